#include "cloud/ctl/contexts.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/config/file.h"

namespace spillway::ctl {
namespace {

constexpr char kHere[] = "http://127.0.0.1:8480";

std::string value_of(const std::function<const char*(const char*)>& environment, const char* name) {
  const char* value = environment(name);
  return value ? value : "";
}

std::string first_of(const std::string& a, const std::string& b, const std::string& c) {
  return !a.empty() ? a : !b.empty() ? b : c;
}

Result<std::string> read_token(const std::string& path) {
  struct stat info {};
  std::ifstream file(path);
  std::string token;
  if (::stat(path.c_str(), &info) != 0) {
    return fail(Code::not_found, "cannot read the token in " + path + ": " + std::strerror(errno));
  }
  if (!std::getline(file, token)) {
    return fail(Code::not_found, "cannot read a token in " + path + "; it holds one, in one line");
  }
  if ((info.st_mode & 077) != 0) {
    return fail(Code::denied, path + " can be read by others; run: chmod 600 " + path);
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  return token;
}

}  // namespace

std::string contexts_path(const std::function<const char*(const char*)>& environment) {
  if (const char* path = environment("SPWCTL_CONFIG")) return path;
  std::string base = value_of(environment, "XDG_CONFIG_HOME");
  if (base.empty()) base = value_of(environment, "HOME") + "/.config";
  return base + "/spillway/spwctl.toml";
}

Result<Contexts> load_contexts(const std::string& path) {
  Result<config::File> file = config::File::read(path);
  if (!file && file.error().code == Code::not_found) return Contexts{};
  if (!file) return file.error();
  Contexts contexts;
  contexts.current = file->section("spwctl").text("current");
  for (config::Section& section : file->sections("context")) {
    Context context;
    context.name = section.text("name");
    context.url = section.text("url");
    context.token_file = section.path("token_file");
    context.ca = section.path("ca");
    if (context.name.empty()) section.refuse("name", "must not be empty");
    if (context.url.empty()) section.refuse("url", "must name the cloud");
    contexts.all.push_back(std::move(context));
  }
  if (Status read = file->finish(); !read) return read.error();
  return contexts;
}

Result<Target> resolve(const Choice& flags, const Contexts& contexts,
                       const std::function<const char*(const char*)>& environment) {
  std::string name =
      first_of(flags.context, value_of(environment, "SPWCTL_CONTEXT"), contexts.current);
  Context context;
  bool known = name.empty();
  for (const Context& each : contexts.all) {
    if (each.name != name) continue;
    context = each;
    known = true;
  }
  if (!known) {
    std::string names;
    for (const Context& each : contexts.all) names += (names.empty() ? "" : ", ") + each.name;
    return fail(Code::not_found, "there is no context '" + name + "'" +
                                     (names.empty() ? "; none is known: see spwctl --help"
                                                    : "; known are " + names));
  }
  Target target;
  target.url = first_of(flags.url, value_of(environment, "SPWCTL_URL"), context.url);
  if (target.url.empty()) target.url = kHere;
  target.ca = first_of(flags.ca, value_of(environment, "SPWCTL_CA"), context.ca);
  target.token = value_of(environment, "SPWCTL_TOKEN");
  std::string file = !flags.token_file.empty() ? flags.token_file
                     : target.token.empty()    ? context.token_file
                                               : std::string();
  if (file.empty()) return target;
  Result<std::string> token = read_token(file);
  if (!token) return token.error();
  target.token = *std::move(token);
  return target;
}

}  // namespace spillway::ctl
