#include "common/crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

namespace spillway::crypto {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Release<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Release<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Release<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Release<X509_STORE_CTX_free>>;

// OpenSSL keeps errors per thread; what we leave behind would be blamed on the next caller.
struct ErrorQueueGuard {
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

// Without this OpenSSL asks for the passphrase of an encrypted key on the terminal.
int refuse_passphrase(char*, int, int, void*) { return -1; }

Result<BioPtr> open_pem(const std::string& path) {
  errno = 0;
  BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (file) return file;
  int error = errno;
  Code code = error == ENOENT ? Code::not_found : Code::io;
  if (error == EACCES) code = Code::denied;
  return fail(code, "cannot read " + path + ": " + std::strerror(error) +
                        "; check the path in the configuration and the file's owner and mode");
}

Error not_pem(const std::string& path, const char* what) {
  return fail(Code::corrupt, path + " holds no " + what + " in PEM form; make or copy it again");
}

Result<CertificatePtr> load_certificate(const std::string& path) {
  Result<BioPtr> file = open_pem(path);
  if (!file) return file.error();
  CertificatePtr loaded(PEM_read_bio_X509(file->get(), nullptr, refuse_passphrase, nullptr));
  if (!loaded) return not_pem(path, "certificate");
  return loaded;
}

Result<KeyPtr> load_key(const std::string& path) {
  Result<BioPtr> file = open_pem(path);
  if (!file) return file.error();
  KeyPtr loaded(PEM_read_bio_PrivateKey(file->get(), nullptr, refuse_passphrase, nullptr));
  if (!loaded) return not_pem(path, "unencrypted private key");
  return loaded;
}

Result<StorePtr> load_authorities(const std::string& path) {
  Result<BioPtr> file = open_pem(path);
  if (!file) return file.error();
  StorePtr store(X509_STORE_new());
  int count = 0;
  while (CertificatePtr one{PEM_read_bio_X509(file->get(), nullptr, refuse_passphrase, nullptr)}) {
    count += X509_STORE_add_cert(store.get(), one.get());
  }
  if (count == 0) return not_pem(path, "certificate");
  return store;
}

Result<std::string> common_name(const X509* certificate, const std::string& path) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return fail(Code::corrupt, path + " has no common name; it must name the device");
  const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, index);
  unsigned char* text = nullptr;
  int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
  if (length < 0) return fail(Code::corrupt, path + " has a common name that is no text");
  std::string name(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return name;
}

Result<std::chrono::sys_seconds> instant(const ASN1_TIME* time, const std::string& path) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return fail(Code::corrupt, path + " has a validity date that cannot be read; make it again");
  }
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

Status read_key(const CertificateFiles& files, const X509* certificate, CertificateInfo& info) {
  if (files.key.empty()) return {};
  Result<KeyPtr> key = load_key(files.key);
  if (!key) return key.error();
  info.key_matches = X509_check_private_key(certificate, key->get()) == 1;
  info.key_exposed = is_exposed(files.key);
  return {};
}

Status read_authority(const CertificateFiles& files, X509* certificate, CertificateInfo& info) {
  if (files.authority.empty()) return {};
  Result<StorePtr> store = load_authorities(files.authority);
  if (!store) return store.error();
  StoreContextPtr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store->get(), certificate, nullptr) != 1) {
    return fail(Code::internal, "OpenSSL could not prepare a verification");
  }
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  info.authority_signed = X509_verify_cert(context.get()) == 1;
  if (!*info.authority_signed) {
    info.why_not_signed = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  }
  return {};
}

}  // namespace

bool is_exposed(const std::string& file) {
  struct stat facts {};
  constexpr mode_t kOfOthers = S_IROTH | S_IWOTH | S_IWGRP;
  return ::stat(file.c_str(), &facts) == 0 && (facts.st_mode & kOfOthers) != 0;
}

Result<CertificateInfo> read_certificate(const CertificateFiles& files) {
  ErrorQueueGuard guard;
  Result<CertificatePtr> loaded = load_certificate(files.certificate);
  if (!loaded) return loaded.error();
  X509* certificate = loaded->get();
  CertificateInfo info;
  auto name = common_name(certificate, files.certificate);
  if (!name) return name.error();
  info.common_name = *name;
  auto from = instant(X509_get0_notBefore(certificate), files.certificate);
  auto until = instant(X509_get0_notAfter(certificate), files.certificate);
  if (!from) return from.error();
  if (!until) return until.error();
  info.not_before = *from;
  info.not_after = *until;
  if (Status status = read_key(files, certificate, info); !status) return status.error();
  if (Status status = read_authority(files, certificate, info); !status) return status.error();
  return info;
}

Status check_pair(const std::string& certificate, const std::string& key) {
  const auto can_be_read = [](const std::string& file) {
    return !file.empty() && ::access(file.c_str(), R_OK) == 0;
  };
  if (!can_be_read(certificate) || !can_be_read(key)) return {};
  Result<CertificateInfo> info = read_certificate({certificate, key, ""});
  if (!info) return info.error();
  if (info->key_matches.value_or(true)) return {};
  return fail(Code::invalid_argument, key + " is not the key of the certificate " + certificate +
                                          ": name the two that belong together");
}

}  // namespace spillway::crypto
