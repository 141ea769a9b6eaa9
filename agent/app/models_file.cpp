#include "agent/app/models_file.h"

#include <algorithm>
#include <fstream>

#include "agent/telemetry/textfile.h"
#include "common/crypto/sha256.h"

namespace spillway::agent {

Result<Bytes> read_models(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Bytes();
  std::string text;
  text.resize(kMaxModels + 1);
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  if (text.size() > kMaxModels || text.size() < sizeof(Digest)) {
    return fail(Code::corrupt, path + " has the wrong size");
  }
  const ByteView all = as_bytes(text);
  const ByteView models = all.subspan(sizeof(Digest));
  const Digest digest = crypto::sha256(models);
  if (!std::equal(digest.begin(), digest.end(), all.begin())) {
    return fail(Code::corrupt, path + " does not match its digest");
  }
  return Bytes(models.begin(), models.end());
}

Status write_models(const std::string& path, const Bytes& models) {
  const Digest digest = crypto::sha256(models);
  std::string text(digest.begin(), digest.end());
  text.append(as_text(models));
  if (text.size() > kMaxModels) return fail(Code::unsupported, "too many kinds were learned");
  return replace_file(path, text);
}

}  // namespace spillway::agent
