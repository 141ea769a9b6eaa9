#include <filesystem>

#include "agent/cli/commands.h"
#include "agent/cli/json_views.h"
#include "agent/cli/text.h"
#include "agent/ota/spool.h"

namespace spillway::cli {
namespace {

Result<ota::Request> request_of(const OtaOptions& options) {
  ota::Request request;
  if (options.what == "rollback") {
    request.action = ota::Request::Action::rollback;
    return request;
  }
  if (options.source.empty()) {
    return fail(Code::invalid_argument, "install what? spillway ota install FILE|URL");
  }
  request.source = options.source;
  request.sha256 = options.sha256;
  if (options.source.find("://") != std::string::npos) return request;
  // The updater has a working directory of its own.
  std::error_code error;
  const auto absolute = std::filesystem::canonical(options.source, error);
  if (error) return fail(Code::not_found, options.source + ": " + error.message());
  request.source = absolute.string();
  return request;
}

Result<int> show_progress(Session& session, const ota::Spool& spool) {
  Result<ota::Progress> progress = spool.progress();
  if (!progress) return std::move(progress).error();
  const std::string phase(to_string(progress->phase));
  if (session.json()) {
    JsonWriter json;
    json.begin_object().member("phase", phase).member("target", progress->target);
    json.member("detail", progress->detail).member("source", progress->request.source);
    session.console().out << json.end_object().text() << '\n';
    return kOk;
  }
  session.console().out << phase;
  if (!progress->detail.empty()) session.console().out << ": " << printable(progress->detail);
  session.console().out << '\n';
  return kOk;
}

}  // namespace

Result<int> run_ota(Session& session, const OtaOptions& options) {
  const ota::Spool spool(options.directory);
  if (!std::filesystem::is_directory(options.directory)) {
    return fail(Code::not_found, "no updater keeps its files in " + options.directory +
                                     "; this device is not updated by spillway-ota");
  }
  if (options.what == "status") return show_progress(session, spool);
  Result<ota::Request> request = request_of(options);
  if (!request) return std::move(request).error();
  if (Status left = spool.leave(*request); !left) return std::move(left).error();
  session.console().err << "spillway-ota takes it from here; see: spillway ota status\n";
  return kOk;
}

}  // namespace spillway::cli
