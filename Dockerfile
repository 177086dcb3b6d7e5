# Build: docker build -t omniroute .
# Run:   docker run -p 20128:20128 -v ./config:/config:ro -e HOSTNAME=0.0.0.0 --read-only omniroute
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends g++ cmake pkg-config libssl-dev ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package omniroute \
 && mkdir -p /root-fs/data /root-fs/tmp /root-fs/etc/ssl/certs /root-fs/config \
 && cp target/release/omniroute /root-fs/omniroute \
 && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ \
 && ldd target/release/omniroute | grep -o '/[^ ]*' | xargs -I{} cp --parents -L {} /root-fs/ \
 && chown -R 65532:65532 /root-fs/data && chmod 0700 /root-fs/data

FROM scratch
COPY --from=build /root-fs/ /
USER 65532:65532
VOLUME ["/data"]
EXPOSE 20128
ENV DATA_DIR=/data SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["/omniroute"]
CMD ["run", "--no-open", "--config", "/config/omniroute.yaml"]
