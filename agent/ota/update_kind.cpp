#include "agent/ota/update_kind.h"

#include "agent/ota/spool.h"
#include "common/base/bundle.h"

namespace spillway::ota {
namespace {

std::string arg(const KindContext& context, const std::string& name) {
  const auto found = context.args().find(name);
  return found == context.args().end() ? std::string() : found->second;
}

Bytes bytes_of(std::string_view text) { return Bytes(text.begin(), text.end()); }

bool is_under_way(const Spool& spool, const Request& request) {
  const Result<Progress> is = spool.progress();
  return is && (is_busy(is->phase) || is->phase == UpdatePhase::good) &&
         is->request.source == request.source && is->request.sha256 == request.sha256;
}

Result<Bytes> ask(const Spool& spool, const KindContext& context) {
  const Request request{Request::Action::install, arg(context, "url"), arg(context, "sha256")};
  if (Status right = check_remote_bundle(request.source, request.sha256); !right) {
    return std::move(right).error();
  }
  if (is_under_way(spool, request)) return bytes_of("under way already");
  if (Status left = spool.inbox().leave(request); !left) return std::move(left).error();
  return bytes_of("left to the updater");
}

}  // namespace

Kind update_kind(std::string directory) {
  Kind kind;
  kind.name = kUpdateKind;
  kind.traits = {.pure = false, .deterministic = false, .blocking = true};
  kind.args = {{"url"}, {"sha256"}};
  kind.help = "has the updater install firmware; args: url, sha256";
  kind.run = [spool = Spool(std::move(directory))](KindContext& context) {
    return ask(spool, context);
  };
  return kind;
}

}  // namespace spillway::ota
