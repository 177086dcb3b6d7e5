//! An authority of the test's own, and certificates by it.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::symm::Cipher;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

/// Vouches for host names, for a day.
pub struct Authority {
    key: PKey<Private>,
    name: X509Name,
    certificate: X509,
}

/// A certificate and its key.
pub struct Issued {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// If OpenSSL refuses.
    pub fn new() -> Self {
        Self::made().expect("OpenSSL makes certificates")
    }

    fn made() -> Result<Self, ErrorStack> {
        let (key, name) = (key()?, name("test authority")?);
        let mut certificate = begin(&name, &name, &key, 1)?;
        certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        certificate.sign(&key, MessageDigest::sha256())?;
        Ok(Self { key, name, certificate: certificate.build() })
    }

    /// Returns its own certificate, PEM.
    pub fn pem(&self) -> String {
        text(self.certificate.to_pem())
    }

    /// Vouches for a host name. Each certificate has a key of its own.
    ///
    /// # Panics
    ///
    /// If OpenSSL refuses.
    pub fn issue(&self, host: &str) -> Issued {
        self.issued(host).expect("OpenSSL makes certificates")
    }

    fn issued(&self, host: &str) -> Result<Issued, ErrorStack> {
        let key = key()?;
        let mut leaf = begin(&*name(host)?, &self.name, &key, 2)?;
        let names =
            SubjectAlternativeName::new().dns(host).build(&leaf.x509v3_context(None, None))?;
        leaf.append_extension(names)?;
        leaf.sign(&self.key, MessageDigest::sha256())?;
        Ok(Issued { certificate: leaf.build(), key })
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Issued {
    /// Returns the certificate, PEM.
    pub fn cert_pem(&self) -> String {
        text(self.certificate.to_pem())
    }

    /// Returns the key under a passphrase, PEM.
    ///
    /// # Panics
    ///
    /// If OpenSSL refuses.
    pub fn locked_key_pem(&self, passphrase: &str) -> String {
        let cipher = Cipher::aes_256_cbc();
        text(self.key.private_key_to_pem_pkcs8_passphrase(cipher, passphrase.as_bytes()))
    }

    /// Returns the SHA-256 of the certificate.
    ///
    /// # Panics
    ///
    /// If OpenSSL refuses.
    pub fn sha256(&self) -> Vec<u8> {
        self.certificate.digest(MessageDigest::sha256()).expect("OpenSSL hashes").to_vec()
    }

    /// Returns the key, PEM.
    pub fn key_pem(&self) -> String {
        text(self.key.private_key_to_pem_pkcs8())
    }
}

fn text(pem: Result<Vec<u8>, ErrorStack>) -> String {
    String::from_utf8(pem.expect("OpenSSL writes PEM")).expect("PEM is ASCII")
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

fn begin(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    serial: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&*BigNum::from_u32(serial)?.to_asn1_integer()?)?;
    certificate.set_subject_name(subject)?;
    certificate.set_issuer_name(issuer)?;
    certificate.set_pubkey(key)?;
    certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    certificate.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    Ok(certificate)
}
