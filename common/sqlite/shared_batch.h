#pragma once

#include <memory>
#include <utility>

namespace spillway::sqlite {

// What is to be committed, as whoever made it and the store's thread both have it: neither changes
// or copies it. Never null.
template <class Batch>
class SharedBatch {
 public:
  SharedBatch(Batch batch) : batch_(std::make_shared<const Batch>(std::move(batch))) {}

  const Batch& operator*() const { return *batch_; }
  const Batch* operator->() const { return batch_.get(); }

 private:
  std::shared_ptr<const Batch> batch_;
};

}  // namespace spillway::sqlite
