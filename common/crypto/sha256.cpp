#include "common/crypto/sha256.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>

namespace spillway::crypto {
namespace {

constexpr std::size_t kFileChunk = 64 * 1024;

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void require(int answer) {
  if (answer != 1) throw std::bad_alloc();
}

// Fetched once: a lookup per digest costs more than hashing a small input.
const EVP_MD* algorithm() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched ? fetched : EVP_sha256();
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error cannot_read(const std::string& path, int error) {
  Code code = error == ENOENT ? Code::not_found : Code::io;
  return fail(code, "cannot read " + path + ": " + std::strerror(error));
}

}  // namespace

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(as_context(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  restart();
}

void Sha256::restart() {
  require(EVP_DigestInit_ex(as_context(context_.get()), algorithm(), nullptr));
}

void Sha256::update(ByteView bytes) {
  require(EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest{};
  unsigned length = 0;
  require(EVP_DigestFinal_ex(as_context(context_.get()), digest.data(), &length));
  return digest;
}

// A thread keeps its context: making one costs as much as the digest of some hundred bytes.
Digest sha256(ByteView bytes) {
  thread_local Sha256 hash;
  hash.restart();
  hash.update(bytes);
  return hash.finish();
}

Result<BlobRef> sha256_file(const std::string& path) {
  OpenFile file(path);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) return cannot_read(path, errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(Code::invalid_argument, path + " is not a regular file; name a file with the data");
  }
  Sha256 hash;
  BlobRef blob;
  Bytes chunk(kFileChunk);
  for (;;) {
    ssize_t got = ::read(file.fd(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path, errno);
    if (got == 0) break;
    hash.update({chunk.data(), static_cast<std::size_t>(got)});
    blob.size += static_cast<std::uint64_t>(got);
  }
  blob.sha256 = hash.finish();
  return blob;
}

Result<Digest> parse_digest(std::string_view text) {
  Digest digest{};
  bool good = text.size() == digest.size() * 2;
  for (std::size_t i = 0; good && i < digest.size(); ++i) {
    const char* pair = text.data() + 2 * i;
    auto [end, error] = std::from_chars(pair, pair + 2, digest[i], 16);
    good = error == std::errc{} && end == pair + 2;
  }
  if (good) return digest;
  return fail(Code::invalid_argument, "'" + std::string(text.substr(0, 80)) +
                                          "' is not a SHA-256 digest: 64 hexadecimal digits");
}

}  // namespace spillway::crypto
