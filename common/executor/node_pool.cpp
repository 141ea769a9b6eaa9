#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "common/executor/task.h"
#include "common/threads/mutex.h"

namespace spillway::executor {
namespace {

// Nodes are carved from blocks in order of address and a block is used again only once all its
// nodes are free: queues then walk memory forwards, which is what caches like. A block begins at a
// multiple of its size, and its first node keeps the count of those released.
constexpr std::size_t kNodesPerBlock = 64;
constexpr std::size_t kBlocksPerMapping = 256;

// The free blocks of one node size. Any thread.
class Depot {
 public:
  explicit Depot(std::size_t node_size) : block_size_(node_size * kNodesPerBlock) {}

  std::byte* take() {
    threads::Lock lock(mutex_);
    if (free_.empty()) map();
    std::byte* block = free_.back();
    free_.pop_back();
    least_ = std::min(least_, free_.size());
    return block;
  }

  void give(std::byte* block) {
    threads::Lock lock(mutex_);
    free_.push_back(block);
  }

  // Gives back the pages of blocks that nobody needed since the last call. The addresses stay
  // ours; the oldest go, those at the front.
  void trim() {
    threads::Lock lock(mutex_);
    const std::size_t unused = std::exchange(least_, free_.size());
    if (unused <= clean_) return;
    std::sort(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(unused), std::greater<>());
    for (std::size_t i = 0; i < unused;) {
      std::size_t end = i + 1;  // neighbours go in one call
      while (end < unused && free_[end] + block_size_ == free_[end - 1]) ++end;
      madvise(free_[end - 1], (end - i) * block_size_, MADV_DONTNEED);
      i = end;
    }
    clean_ = unused;
  }

 private:
  void map() REQUIRES(mutex_) {
    const std::size_t size = (kBlocksPerMapping + 1) * block_size_;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::size_t space = size;
    auto* begin = static_cast<std::byte*>(std::align(block_size_, block_size_, memory, space));
    for (std::size_t i = kBlocksPerMapping; i-- > 0;) free_.push_back(begin + i * block_size_);
    clean_ = 0;
  }

  const std::size_t block_size_;
  threads::Mutex mutex_;
  std::vector<std::byte*> free_ GUARDED_BY(mutex_);
  // Free blocks since the last trim, at the least, and those at the front, at most, that have no
  // pages.
  std::size_t least_ GUARDED_BY(mutex_) = 0;
  std::size_t clean_ GUARDED_BY(mutex_) = 0;
};

// Never destroyed: threads give their nodes back whenever they end.
Depot& depot(bool large) {
  static Depot* const depots[] = {new Depot(kSmallNode), new Depot(kLargeNode)};
  return *depots[large];
}

Node* first_of(Node* node, bool large) {
  const std::size_t size = kNodesPerBlock * (large ? kLargeNode : kSmallNode);
  return reinterpret_cast<Node*>(reinterpret_cast<std::uintptr_t>(node) & ~(size - 1));
}

void count_released(Node* first, std::size_t count, bool large) {
  // acq_rel: whoever counts the last one has the whole block, with what the others did to it done.
  const std::size_t before =
      first->released.fetch_add(static_cast<std::uint16_t>(count), std::memory_order_acq_rel);
  if (before + count == kNodesPerBlock) depot(large).give(reinterpret_cast<std::byte*>(first));
}

// Per thread and node size: the block new nodes come from, and some blocks released nodes go to,
// whose counts are passed on when another block takes the place. What runs in order of deadline is
// released out of order, though mostly from few blocks.
struct Cache {
  static constexpr std::size_t kSinks = 16;
  struct Source {
    std::byte* next = nullptr;
    std::size_t left = 0;
  };
  struct Sink {
    Node* first = nullptr;
    std::size_t count = 0;
  };
  Source sources[2];
  Sink sinks[2][kSinks];

  Sink& sink_of(Node* first, bool large) {
    const std::size_t block = kNodesPerBlock * (large ? kLargeNode : kSmallNode);
    return sinks[large][reinterpret_cast<std::uintptr_t>(first) / block % kSinks];
  }
  static void flush(Sink& sink, bool large) {
    if (sink.count) count_released(sink.first, std::exchange(sink.count, 0), large);
  }
  ~Cache() {
    for (bool large : {false, true}) {
      for (Sink& sink : sinks[large]) flush(sink, large);
      Source& source = sources[large];
      if (!source.left) continue;
      count_released(first_of(reinterpret_cast<Node*>(source.next), large),
                     std::exchange(source.left, 0), large);
    }
  }
};
thread_local Cache cache;

}  // namespace

Node* allocate_node(bool large) {
  Cache::Source& source = cache.sources[large];
  if (!source.left) {
    source.next = depot(large).take();
    source.left = kNodesPerBlock;
  }
  Node* node = new (source.next) Node;
  node->large = large;
  const std::size_t size = large ? kLargeNode : kSmallNode;
  source.next += size;
  --source.left;
  __builtin_prefetch(source.next + 3 * size, 1);  // another thread wrote there last
  return node;
}

void release_node(Node* node) {
  const bool large = node->large;
  node->stop = {};
  Node* first = first_of(node, large);
  Cache::Sink& sink = cache.sink_of(first, large);
  if (sink.first != first) {
    Cache::flush(sink, large);
    sink.first = first;
  }
  // At the end of a block at once, so that a thread that goes idle keeps no full one.
  if (++sink.count == kNodesPerBlock) Cache::flush(sink, large);
}

void prefetch_node(Node* node) {
  __builtin_prefetch(node, 1);
  __builtin_prefetch(first_of(node, false), 1);
}

void trim_nodes() {
  depot(false).trim();
  depot(true).trim();
}

}  // namespace spillway::executor
