#include "common/kinds/plugin.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>

#include "common/crypto/sha256.h"
#include "common/kinds/stopped.h"
#include "common/kinds/trusted_file.h"
#include "spillway/kind_abi.h"

namespace spillway::kinds {
namespace {

constexpr std::uint32_t kMostKinds = 64;
constexpr std::uint32_t kMostArgs = 64;
constexpr std::size_t kLeastKind = offsetof(spillway_kind, arg_specs);  // the first version's
constexpr std::size_t kMostText = 512;
constexpr std::uint64_t kMostValue = 256ULL << 20;
constexpr char kSymbol[] = "spillway_kind_module";

// A run in progress, as the plugin's `host` pointer.
struct Host {
  KindContext& context;
  std::stop_token stop;
  Bytes value;
  std::string message;
  std::exception_ptr thrown;  // by the place's parallel_for; must not pass through the plugin
};

Host& as_host(void* host) { return *static_cast<Host*>(host); }

int stop_requested(void* host) { return as_host(host).stop.stop_requested() ? 1 : 0; }

int parallel_for(void* host, std::uint64_t n, void (*range)(void*, std::uint64_t, std::uint64_t),
                 void* state) {
  Host& run = as_host(host);
  if (range == nullptr || n > std::numeric_limits<std::size_t>::max()) return 1;
  try {
    run.context.parallel_for(static_cast<std::size_t>(n),
                             [&](std::size_t begin, std::size_t end) { range(state, begin, end); });
    return 0;
  } catch (...) {
    run.thrown = std::current_exception();
    return 1;
  }
}

int set_value(void* host, const void* bytes, std::uint64_t size) {
  if (size > kMostValue || (bytes == nullptr && size > 0)) return 1;
  try {
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    as_host(host).value.assign(first, first + size);
    return 0;
  } catch (...) {
    return 1;
  }
}

std::string copy_text(const char* text) {
  if (text == nullptr) return {};
  std::string copy(text, ::strnlen(text, kMostText));
  for (char& c : copy) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return copy;
}

void set_error(void* host, const char* message) {
  try {
    as_host(host).message = copy_text(message);
  } catch (...) {
    as_host(host).message.clear();
  }
}

std::vector<spillway_kind_arg> as_abi(const Labels& args) {
  std::vector<spillway_kind_arg> pairs;
  for (const auto& [name, value] : args) pairs.push_back({name.c_str(), value.c_str()});
  return pairs;
}

Result<Bytes> as_result(int status, Host& host) {
  if (host.thrown) std::rethrow_exception(host.thrown);
  std::string message = host.message.empty() ? "gave no reason" : host.message;
  switch (status) {
    case SPILLWAY_KIND_OK: return std::move(host.value);
    case SPILLWAY_KIND_BAD_INPUT: return fail(Code::invalid_argument, message);
    case SPILLWAY_KIND_FAILED: return fail(Code::internal, message);
    case SPILLWAY_KIND_CANCELLED: return stopped();
    case SPILLWAY_KIND_NO_MEMORY: return fail(Code::busy, "ran out of memory: " + message);
    default:
      return fail(Code::internal,
                  "the plugin returned " + std::to_string(status) + ", which is no status");
  }
}

Result<Bytes> run_plugin(const spillway_kind& kind, KindContext& context) {
  Host host{context, context.stop(), {}, {}, {}};
  std::vector<spillway_kind_arg> args = as_abi(context.args());
  spillway_kind_call call{};
  call.size = sizeof call;
  call.arg_count = static_cast<std::uint32_t>(args.size());
  call.args = args.data();
  call.input = context.input().data();
  call.input_size = context.input().size();
  call.host = &host;
  call.stop_requested = stop_requested;
  call.parallel_for = parallel_for;
  call.set_value = set_value;
  call.set_error = set_error;
  return as_result(kind.run(&call), host);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

Result<std::vector<KindArg>> declared_args(const spillway_kind& kind, const std::string& path) {
  std::vector<KindArg> args;
  for (std::uint32_t i = 0; i < std::min(kind.arg_spec_count, kMostArgs + 1); ++i) {
    const spillway_kind_arg_spec* spec = kind.arg_specs[i];
    if (i == kMostArgs || spec == nullptr || spec->size < sizeof *spec || spec->name == nullptr ||
        spec->type > SPILLWAY_ARG_CHOICE) {
      return fail(Code::corrupt, path + ": declares an arg without size, name or type, or over 64");
    }
    // Cut short they would refuse what the kind takes.
    if (copy_text(spec->words).size() == kMostText) {
      return fail(Code::corrupt, path + ": arg " + copy_text(spec->name) +
                                     ": its words take 512 characters or more");
    }
    KindArg& arg = args.emplace_back();
    arg.name = copy_text(spec->name);
    arg.type = static_cast<KindArg::Type>(spec->type);
    arg.least = spec->least;
    arg.most = spec->most;
    arg.fallback = copy_text(spec->fallback);
    arg.words = split(copy_text(spec->words));
  }
  return args;
}

Result<Kind> wrap(const spillway_kind* offered, const std::string& path) {
  if (offered == nullptr || offered->size < kLeastKind || offered->run == nullptr ||
      offered->name == nullptr) {
    return fail(Code::corrupt, path + ": describes a kind without size, name or run");
  }
  Kind kind;
  kind.name = copy_text(offered->name);
  kind.version = offered->version;
  kind.traits.pure = (offered->traits & SPILLWAY_KIND_PURE) != 0;
  kind.traits.deterministic = (offered->traits & SPILLWAY_KIND_DETERMINISTIC) != 0;
  kind.traits.blocking = (offered->traits & SPILLWAY_KIND_BLOCKING) != 0;
  kind.help = copy_text(offered->help);
  kind.run = [offered](KindContext& context) { return run_plugin(*offered, context); };
  if (offered->size >= sizeof *offered && offered->arg_specs != nullptr) {
    Result<std::vector<KindArg>> args = declared_args(*offered, path);
    if (!args) return args.error();
    kind.args = *std::move(args);
  }
  if (offered->work != nullptr) {
    kind.work = [offered](std::size_t bytes, const Labels& args) {
      std::vector<spillway_kind_arg> pairs = as_abi(args);
      return offered->work(bytes, pairs.data(), static_cast<std::uint32_t>(pairs.size()));
    };
  }
  return kind;
}

Result<std::vector<Kind>> read_module(const spillway_kind_module_info* module,
                                      const std::string& path, const Digest& digest) {
  constexpr std::size_t kAbiEnd = offsetof(spillway_kind_module_info, kind_count);
  if (module == nullptr || module->size < kAbiEnd) {
    return fail(Code::corrupt, path + ": describes no module");
  }
  if (module->abi != SPILLWAY_KIND_ABI) {
    return fail(Code::unsupported, path + ": made for kind ABI " + std::to_string(module->abi) +
                                       ", this program has " + std::to_string(SPILLWAY_KIND_ABI) +
                                       "; rebuild the plugin with this version's headers");
  }
  if (module->size < sizeof *module || module->kinds == nullptr || module->kind_count == 0 ||
      module->kind_count > kMostKinds) {
    return fail(Code::corrupt, path + ": must describe 1 to 64 kinds");
  }
  std::vector<Kind> kinds;
  for (std::uint32_t i = 0; i < module->kind_count; ++i) {
    Result<Kind> kind = wrap(module->kinds[i], path);
    if (!kind) return kind.error();
    kind->digest = digest;
    kinds.push_back(std::move(*kind));
  }
  return kinds;
}

struct Library {
  void* handle = nullptr;
  Digest digest{};  // of the file
};

#ifndef SPILLWAY_STATIC
Result<Digest> digest_of(int fd, const std::string& path) {
  crypto::Sha256 sum;
  Bytes piece(64 * 1024);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(Code::io, "cannot read plugin " + path + ": " + std::strerror(errno));
    }
    if (got == 0) return sum.finish();
    sum.update(ByteView(piece).first(static_cast<std::size_t>(got)));
    at += got;
  }
}
#endif

// Opens the library by descriptor. The descriptor is never closed while the library is mapped: the
// loader knows libraries by name, and would take a later one under the same number for this one.
Result<Library> open_library(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    Code code = errno == ENOENT ? Code::not_found : Code::io;
    return fail(code, "cannot read plugin " + path + ": " + std::strerror(errno));
  }
  if (Status trusted = check_trusted(fd, path); !trusted) {
    ::close(fd);
    return trusted.error();
  }
#ifdef SPILLWAY_STATIC
  ::close(fd);
  return fail(
      Code::unsupported,
      "cannot load plugin " + path +
          ": this agent is linked statically; run the dynamic one, or make it a [[command]]");
#else
  void* library = ::dlopen(("/proc/self/fd/" + std::to_string(fd)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) {
    Result<Digest> digest = digest_of(fd, path);
    if (!digest) return digest.error();
    return Library{library, *digest};
  }
  const char* why = ::dlerror();
  ::close(fd);
  return fail(Code::corrupt, "cannot load plugin " + path + ": " + copy_text(why));
#endif
}

}  // namespace

Result<std::vector<Kind>> load_plugin(const std::string& path) {
  Result<Library> library = open_library(path);
  if (!library) return library.error();
  void* symbol = ::dlsym(library->handle, kSymbol);
  if (symbol == nullptr) {
    return fail(Code::corrupt, path + " is no plugin: it does not export " + kSymbol);
  }
  try {
    return read_module(reinterpret_cast<spillway_kind_module_fn>(symbol)(), path, library->digest);
  } catch (...) {
    return fail(Code::corrupt, path + ": threw an exception while it described its kinds");
  }
}

Status add_plugin(KindRegistry& registry, const std::string& path) {
  Result<std::vector<Kind>> kinds = load_plugin(path);
  if (!kinds) return kinds.error();
  for (const Kind& kind : *kinds) {
    if (Status added = registry.add(kind); !added) {
      return fail(added.error().code, path + ": " + added.error().message);
    }
  }
  return {};
}

}  // namespace spillway::kinds
