# Build: docker build -t omniroute .
# Run:   docker run -d --name omniroute -p 20128:20128 --env-file ./.env -v omniroute-data:/app/data omniroute
# All of it, hardened, with a configuration file: docs/guides/docker.md
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends g++ cmake pkg-config libssl-dev ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN scripts/release.sh omniroute \
 && scripts/root-fs.sh target/release/omniroute /root-fs

FROM scratch
COPY --from=build /root-fs/ /
USER 65532:65532
VOLUME ["/app/data"]
EXPOSE 20128
# In a container loopback is the container alone. A file that is mounted at /config/omniroute.yaml is found.
ENV HOSTNAME=0.0.0.0 DATA_DIR=/app/data SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/omniroute", "healthcheck", "--live"]
ENTRYPOINT ["/omniroute"]
CMD ["run", "--no-open"]
