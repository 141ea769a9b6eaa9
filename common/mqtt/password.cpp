#include "common/mqtt/password.h"

#include <sys/stat.h>

#include <fstream>

#include "common/crypto/certificate.h"
#include "common/process/log.h"

namespace spillway::mqtt {
namespace {

constexpr const char* kAdvice = ": give it to who runs this, and chmod 640 it";

constexpr off_t kMostBytes = 65'536;

Result<std::string> first_line(const std::string& file) {
  struct stat facts {};
  // A pipe would hold up the start.
  const bool there = ::stat(file.c_str(), &facts) == 0;
  if (there && (!S_ISREG(facts.st_mode) || facts.st_size > kMostBytes)) {
    return fail(Code::invalid_argument,
                file + " is no file with a password: a regular one of at most 64 KiB is");
  }
  std::ifstream stream(file);
  std::string password;
  if (!stream || (!std::getline(stream, password) && !stream.eof())) {
    return fail(Code::not_found, "cannot read the broker's password from " + file);
  }
  while (!password.empty() && (password.back() == '\r' || password.back() == '\n')) {
    password.pop_back();
  }
  if (password.empty()) {
    return fail(Code::invalid_argument, "the broker's password in " + file + " is empty");
  }
  return password;
}

}  // namespace

Result<std::string> read_password(const std::string& file) {
  struct stat found {};
  if (stat(file.c_str(), &found) == 0 && (found.st_mode & S_IROTH) != 0) {
    return fail(Code::denied,
                "the broker's password in " + file + " can be read by everybody: chmod o-rwx");
  }
  if (crypto::is_exposed(file)) {
    process::log_once(
        process::Level::warning, "password_file",
        std::string("others on this machine may change the broker's password") + kAdvice,
        {{"file", file}});
  }
  return first_line(file);
}

Status check_secrets(const std::string& password_file, const std::string& key_file) {
  for (const std::string* file : {&password_file, &key_file}) {
    if (file->empty() || !crypto::is_exposed(*file)) continue;
    return fail(Code::denied, "others on this machine may read or change the " +
                                  std::string(file == &key_file ? "private key" : "password") +
                                  " in " + *file + kAdvice);
  }
  if (password_file.empty()) return {};
  const auto password = first_line(password_file);
  return password ? Status() : Status(password.error());
}

}  // namespace spillway::mqtt
