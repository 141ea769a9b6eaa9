#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "spillway/status.h"

namespace spillway::crypto {

// Paths of PEM files. An empty key or authority is not checked.
struct CertificateFiles {
  std::string certificate;
  std::string key;
  std::string authority;
};

struct CertificateInfo {
  std::string common_name;
  std::chrono::sys_seconds not_before{};
  std::chrono::sys_seconds not_after{};
  std::optional<bool> key_matches;       // set when a key was named
  bool key_exposed = false;              // others than its owner and group may read or change it
  std::optional<bool> authority_signed;  // set when an authority was named
  std::string why_not_signed;            // of a certificate the authority did not sign
};

// Whether others than a secret's owner and group may read it, or others than its owner change it.
// False: they may not, or there is no such file.
bool is_exposed(const std::string& file);

// Reads a certificate for a diagnosis. Neither key nor certificate leaves the function. Whether the
// authority signed it is judged without the clock, which may be wrong: compare the two instants
// yourself. A file that is missing, unreadable, encrypted or not PEM is an Error that names it.
Result<CertificateInfo> read_certificate(const CertificateFiles& files);

// For who asks whether a configuration is right: as far as both files are there and can be read,
// the key is the certificate's; else `invalid_argument`. Empty names are not looked at.
Status check_pair(const std::string& certificate, const std::string& key);

}  // namespace spillway::crypto
