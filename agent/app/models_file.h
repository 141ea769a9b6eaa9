#pragma once

#include <string>

#include "spillway/bytes.h"
#include "spillway/status.h"

namespace spillway::agent {

// What placement has learned, in a file beside the store, with a digest: nothing that a task needs,
// so it is neither synced nor counted as a loss when it is gone. Any thread.
inline constexpr std::size_t kMaxModels = 1024 * 1024;  // bytes

// Empty when there is no file; corrupt when it is damaged, or another version's.
Result<Bytes> read_models(const std::string& path);
// In one step: a reader sees the old or the new.
Status write_models(const std::string& path, const Bytes& models);

}  // namespace spillway::agent
