#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "common/executor/task.h"

namespace spillway::executor {
namespace {

// Nodes travel between threads in chains; a block of memory is carved into one chain.
constexpr std::size_t kChain = 64;
constexpr std::size_t kBlocksPerMapping = 256;
constexpr std::size_t kKeptChains = 64;  // not worth returning
constexpr std::uint64_t kQuiet = 1000;   // chains passed since the last trim

struct Chain {
  Node* head = nullptr;
  std::size_t length = 0;

  void push(Node* node) {
    node->next.store(head, std::memory_order_relaxed);  // one thread at a time holds a chain
    head = node;
    ++length;
  }
  Node* pop() {
    Node* node = head;
    head = node->next.load(std::memory_order_relaxed);
    --length;
    return node;
  }
};

// The free nodes of one size that no thread holds. Any thread.
class Depot {
 public:
  explicit Depot(std::size_t node_size) : node_size_(node_size) {}

  Chain take() {
    std::lock_guard lock(mutex_);
    ++traffic_;
    if (chains_.empty()) return carve();
    Chain chain = chains_.back();
    chains_.pop_back();
    return chain;
  }

  void give(Chain chain) {
    if (!chain.length) return;
    std::lock_guard lock(mutex_);
    ++traffic_;
    chains_.push_back(chain);
  }

  // Gives the blocks all of whose nodes are here back to the system, once a burst is over.
  void trim() {
    std::vector<Chain> chains;
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(traffic_, 0) > kQuiet || chains_.size() <= kKeptChains) return;
      chains.swap(chains_);
    }
    std::unordered_map<std::uintptr_t, std::size_t> free_nodes;
    for (const Chain& chain : chains) {
      for (Node* n = chain.head; n; n = n->next.load(std::memory_order_relaxed))
        ++free_nodes[block(n)];
    }
    Chain kept;
    for (Chain& chain : chains) {
      while (chain.length) {
        Node* node = chain.pop();
        if (free_nodes[block(node)] == kChain) continue;
        kept.push(node);
        if (kept.length == kChain) give(std::exchange(kept, {}));
      }
    }
    give(kept);
    std::vector<std::uintptr_t> blocks;
    for (const auto& [address, count] : free_nodes) {
      if (count == kChain) blocks.push_back(address);
    }
    discard(blocks);
  }

 private:
  std::size_t block_size() const { return node_size_ * kChain; }
  std::uintptr_t block(Node* node) const {
    return reinterpret_cast<std::uintptr_t>(node) & ~(block_size() - 1);
  }

  // Under the lock.
  Chain carve() {
    if (cold_.empty()) map();
    auto* block = reinterpret_cast<std::byte*>(cold_.back());
    cold_.pop_back();
    Chain chain;
    for (std::size_t i = kChain; i-- > 0;) chain.push(new (block + i * node_size_) Node);
    return chain;
  }

  void map() {
    const std::size_t size = kBlocksPerMapping * block_size();
    void* memory = mmap(nullptr, size + block_size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    const auto begin =
        (reinterpret_cast<std::uintptr_t>(memory) + block_size() - 1) & ~(block_size() - 1);
    for (std::size_t i = kBlocksPerMapping; i-- > 0;) cold_.push_back(begin + i * block_size());
  }

  // The addresses stay ours, only the pages go: neighbours go in one call.
  void discard(std::vector<std::uintptr_t>& blocks) {
    std::sort(blocks.begin(), blocks.end(), std::greater<>());
    for (std::size_t i = 0; i < blocks.size();) {
      std::size_t end = i + 1;
      while (end < blocks.size() && blocks[end] + block_size() == blocks[end - 1]) ++end;
      madvise(reinterpret_cast<void*>(blocks[end - 1]), (end - i) * block_size(), MADV_DONTNEED);
      i = end;
    }
    std::lock_guard lock(mutex_);
    cold_.insert(cold_.end(), blocks.begin(), blocks.end());
  }

  const std::size_t node_size_;
  std::mutex mutex_;
  std::vector<Chain> chains_;
  std::vector<std::uintptr_t> cold_;  // blocks without nodes in them
  std::uint64_t traffic_ = 0;
};

// Never destroyed: threads give their nodes back whenever they end.
Depot& depot(bool large) {
  static Depot* const depots[] = {new Depot(kSmallNode), new Depot(kLargeNode)};
  return *depots[large];
}

// Two chains of each size, so that a thread around the limit does not go to the depot every time.
struct Cache {
  Chain chains[2];
  Chain spare[2];

  ~Cache() {
    for (bool large : {false, true}) {
      depot(large).give(std::exchange(chains[large], {}));
      depot(large).give(std::exchange(spare[large], {}));
    }
  }
};
thread_local Cache cache;

}  // namespace

Node* allocate_node(bool large) {
  Chain& chain = cache.chains[large];
  if (!chain.length) {
    std::swap(chain, cache.spare[large]);
    if (!chain.length) chain = depot(large).take();
  }
  Node* node = chain.pop();
  // It may have been used on another core last: have it here by the time it is wanted.
  if (chain.head) __builtin_prefetch(chain.head, 1);
  new (node) Node;
  node->large = large;
  return node;
}

void release_node(Node* node) {
  const bool large = node->large;
  node->~Node();
  Chain& chain = cache.chains[large];
  if (chain.length == kChain) {
    depot(large).give(std::exchange(cache.spare[large], chain));
    chain = {};
  }
  chain.push(node);
}

void trim_nodes() {
  depot(false).trim();
  depot(true).trim();
}

}  // namespace spillway::executor
