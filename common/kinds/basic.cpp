#include <algorithm>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/kinds/args.h"
#include "common/kinds/builtin.h"
#include "common/kinds/format.h"
#include "common/kinds/stopped.h"

namespace spillway::kinds {
namespace {

// Pieces between two looks at the stop request; a slow CPU takes some milliseconds for one.
constexpr std::size_t kHashPiece = 256 * 1024;
constexpr std::uint64_t kSpinPiece = 1 << 18;
constexpr std::uint64_t kSpinDefault = 200'000;  // about a millisecond

// SplitMix64's output function (Steele, Lea, Flood 2014): each step needs the one before, so that
// no compiler or CPU can shorten the loop.
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::uint64_t spin(std::uint64_t state, std::uint64_t iterations, const std::stop_token& stop) {
  while (iterations > 0 && !stop.stop_requested()) {
    std::uint64_t piece = std::min(iterations, kSpinPiece);
    for (std::uint64_t i = 0; i < piece; ++i) state = scramble(state);
    iterations -= piece;
  }
  return state;
}

struct SpinOptions {
  std::uint64_t iterations = kSpinDefault;
  std::uint64_t chunks = 1;
};

Result<SpinOptions> read_spin_options(const Labels& args,
                                      std::vector<KindArg>* declared = nullptr) {
  ArgReader reader(args, declared);
  SpinOptions options;
  options.iterations = reader.count("iterations", kSpinDefault, 1, 1'000'000'000'000);
  options.chunks = reader.count("chunks", 1, 1, 4096);
  if (Status status = reader.finish(); !status) return status.error();
  return options;
}

std::uint64_t run_chunks(KindContext& context, const SpinOptions& options) {
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(options.chunks));
  std::uint64_t seed = 0;
  for (std::uint8_t byte : context.input()) seed = scramble(seed ^ byte);
  context.parallel_for(sums.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      std::uint64_t extra = i < options.iterations % options.chunks ? 1 : 0;
      sums[i] = spin(seed ^ i, options.iterations / options.chunks + extra, context.stop());
    }
  });
  std::uint64_t checksum = 0;
  for (std::uint64_t sum : sums) checksum = scramble(checksum ^ sum);
  return checksum;
}

std::string hex64(std::uint64_t value) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return to_hex(bytes);
}

Result<Bytes> run_spin(KindContext& context) {
  Result<SpinOptions> options = read_spin_options(context.args());
  if (!options) return options.error();
  std::uint64_t checksum = run_chunks(context, *options);
  if (context.stop().stop_requested()) return stopped();
  JsonWriter json;
  json.begin_object().name("iterations").count(options->iterations);
  json.name("chunks").count(options->chunks).name("checksum").text(hex64(checksum)).end_object();
  return to_bytes(json.done());
}

Result<Bytes> run_hash(KindContext& context) {
  if (Status status = ArgReader(context.args()).finish(); !status) return status.error();
  ByteView rest = context.input();
  crypto::Sha256 hash;
  while (!rest.empty()) {
    if (context.stop().stop_requested()) return stopped();
    std::size_t piece = std::min(rest.size(), kHashPiece);
    hash.update(rest.first(piece));
    rest = rest.subspan(piece);
  }
  JsonWriter json;
  json.begin_object().name("sha256").text(to_hex(hash.finish()));
  json.name("bytes").count(context.input().size()).end_object();
  return to_bytes(json.done());
}

Result<Bytes> run_echo(KindContext& context) {
  if (Status status = ArgReader(context.args()).finish(); !status) return status.error();
  return Bytes(context.input().begin(), context.input().end());
}

double spin_work(std::size_t input_bytes, const Labels& args) {
  Result<SpinOptions> options = read_spin_options(args);
  return static_cast<double>(input_bytes) +
         static_cast<double>(options ? options->iterations : kSpinDefault);
}

}  // namespace

Kind echo_kind() {
  Kind kind;
  kind.name = "echo";
  kind.run = run_echo;
  kind.args.emplace();
  kind.help = "gives the input back unchanged; no args";
  return kind;
}

Kind spin_kind() {
  Kind kind;
  kind.name = "spin";
  kind.run = run_spin;
  kind.work = spin_work;
  (void)read_spin_options({}, &kind.args.emplace());
  kind.help =
      "burns CPU to a checksum of its input; args: iterations (200000, about a millisecond), "
      "chunks run in parallel (1)";
  return kind;
}

Kind hash_sha256_kind() {
  Kind kind;
  kind.name = "hash.sha256";
  kind.run = run_hash;
  kind.args.emplace();
  kind.help = "SHA-256 and length of the input; no args";
  return kind;
}

}  // namespace spillway::kinds
