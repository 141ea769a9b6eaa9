#pragma once

#include <string>

#include "spillway/status.h"

namespace spillway::test {

// PEM files of one party.
struct Credentials {
  std::string ca, certificate, key;
};

// A throw-away certification authority in a directory: EC P-256, made by the openssl program, so
// that what checks certificates is not what wrote them. Valid from now for a few days.
class Pki {
 public:
  // Makes the CA; `name` is its common name. The directory must exist and outlive the files' use.
  static Result<Pki> create(const std::string& directory, const std::string& name = "ca");

  const std::string& ca() const { return ca_; }
  // A server's certificate for localhost, 127.0.0.1 and ::1, or for `host` alone.
  Result<Credentials> server(const std::string& host = "") const;
  // A client's: the common name is the device id.
  Result<Credentials> device(const std::string& id) const;
  // Like them, but past their end.
  Result<Credentials> expired_server() const;
  Result<Credentials> expired_device(const std::string& id) const;
  // A list of revoked certificates, with one of them; its file.
  Result<std::string> revoke(const Credentials& whom) const;

 private:
  Pki(std::string directory, std::string name);
  Result<Credentials> sign(const std::string& file, const std::string& common_name,
                           const std::string& extensions, int days) const;

  std::string directory_, name_, ca_, ca_key_;
};

}  // namespace spillway::test
