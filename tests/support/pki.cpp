#include "tests/support/pki.h"

#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {
namespace {

constexpr int kDays = 60;  // far from where a certificate is said to expire
constexpr int kExpired = -1;

std::string config_with(const std::string& extensions) {
  return "[req]\ndistinguished_name = dn\nx509_extensions = ext\nprompt = no\n[dn]\n[ext]\n" +
         extensions;
}

std::vector<std::string> request(const std::string& config, const std::string& common_name,
                                 const std::string& key) {
  return {"openssl",
          "req",
          "-new",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-config",
          config,
          "-subj",
          "/CN=" + common_name,
          "-keyout",
          key};
}

}  // namespace

Pki::Pki(std::string directory, std::string name)
    : directory_(std::move(directory)),
      name_(std::move(name)),
      ca_(directory_ + "/" + name_ + ".pem"),
      ca_key_(directory_ + "/" + name_ + ".key") {}

Result<Pki> Pki::create(const std::string& directory, const std::string& name) {
  Pki pki(directory, name);
  const std::string config = directory + "/" + name + ".cnf";
  write_text(config, config_with("basicConstraints = critical, CA:TRUE\n"
                                 "keyUsage = critical, keyCertSign, cRLSign\n"
                                 "subjectKeyIdentifier = hash\n"));
  auto command = request(config, name, pki.ca_key_);
  command.insert(command.end(), {"-x509", "-days", std::to_string(kDays), "-out", pki.ca_});
  if (const auto made = run_command(command); !made) return made.error();
  return pki;
}

Result<Credentials> Pki::sign(const std::string& file, const std::string& common_name,
                              const std::string& extensions, int days) const {
  const std::string base = directory_ + "/" + name_ + "-" + file;
  const Credentials made{ca_, base + ".pem", base + ".key"};
  const std::string config = base + ".cnf";
  write_text(config, config_with("basicConstraints = critical, CA:FALSE\n"
                                 "keyUsage = critical, digitalSignature\n" +
                                 extensions));
  auto command = request(config, common_name, made.key);
  command.insert(command.end(), {"-out", base + ".csr"});
  if (const auto asked = run_command(command); !asked) return asked.error();
  // Unlike `openssl req -x509`, this signs for a time that is over.
  const auto granted =
      run_command({"openssl", "x509", "-req", "-in", base + ".csr", "-CA", ca_, "-CAkey", ca_key_,
                   "-CAcreateserial", "-days", std::to_string(days), "-extfile", config,
                   "-extensions", "ext", "-out", made.certificate});
  if (!granted) return granted.error();
  return made;
}

namespace {

std::string server_extensions(const std::string& names) {
  return "extendedKeyUsage = serverAuth\nsubjectAltName = " + names + "\n";
}

constexpr const char* kLocal = "DNS:localhost, IP:127.0.0.1, IP:::1";
constexpr const char* kClient = "extendedKeyUsage = clientAuth\n";

}  // namespace

Result<Credentials> Pki::server(const std::string& host) const {
  return host.empty() ? sign("server", "localhost", server_extensions(kLocal), kDays)
                      : sign("server-" + host, host, server_extensions("DNS:" + host), kDays);
}

Result<Credentials> Pki::device(const std::string& id) const {
  return sign(id, id, kClient, kDays);
}

Result<Credentials> Pki::expired_server() const {
  return sign("expired-server", "localhost", server_extensions(kLocal), kExpired);
}

Result<Credentials> Pki::expired_device(const std::string& id) const {
  return sign("expired-" + id, id, kClient, kExpired);
}

Result<std::string> Pki::revoke(const Credentials& whom) const {
  const std::string base = directory_ + "/" + name_ + "-revoked";
  write_text(base + ".txt", "");
  write_text(base + ".cnf",
             "[ca]\ndefault_ca = own\n[own]\ndatabase = " + base +
                 ".txt\ndefault_md = sha256\ndefault_crl_days = " + std::to_string(kDays) + "\n");
  const std::vector<std::string> own = {"openssl", "ca", "-config",  base + ".cnf",
                                        "-cert",   ca_,  "-keyfile", ca_key_};
  auto revoked = own, listed = own;
  revoked.insert(revoked.end(), {"-revoke", whom.certificate});
  listed.insert(listed.end(), {"-gencrl", "-out", base + ".pem"});
  for (const auto& command : {revoked, listed}) {
    if (const auto done = run_command(command); !done) return done.error();
  }
  return base + ".pem";
}

}  // namespace spillway::test
