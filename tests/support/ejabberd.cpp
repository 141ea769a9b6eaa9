#include "tests/support/ejabberd.h"

#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace spillway::test {

// The packages' files; the third is ejabberd.yml.
extern const char* const kBrokerFiles[];

}  // namespace spillway::test

namespace spillway::test::ejabberd {
namespace {

constexpr const char* kPassword = "throw-away";

// Each of these texts stands once in the files that the packages bring.
void replace(std::string& text, std::string_view what, const std::string& with) {
  if (const auto at = text.find(what); at != text.npos) text.replace(at, what.size(), with);
}

}  // namespace

void write_config(const std::string& directory, std::uint16_t port, const Credentials& tls) {
  const std::string both = directory + "/ejabberd.pem";
  write_text(both, read_text(tls.certificate) + read_text(tls.key));
  std::string text = kBrokerFiles[2];
  replace(text, "/etc/spillway-cloud/broker/server.pem", both);
  replace(text, "8883", std::to_string(port));
  replace(text, "\"::\"", "\"127.0.0.1\"");
  write_text(directory + "/ejabberd.yml", text);
}

Command command(const std::string& directory, const std::vector<std::string>& accounts,
                const std::string& output) {
  std::string names;
  for (const std::string& name : accounts)
    names += (names.empty() ? "<<\"" : ",<<\"") + name + "\">>";
  const std::string start =
      "{ok,_}=application:ensure_all_started(ejabberd),"
      "[ejabberd_auth:try_register(N,<<\"localhost\">>,<<\"" +
      std::string(kPassword) + "\">>)||N<-[" + names + "]].";
  return {.argv = {"erl", "-noinput", "-mnesia", "dir", "\"" + directory + "/ejabberd\"", "-eval",
                   start},
          .env = {{"EJABBERD_CONFIG_PATH", directory + "/ejabberd.yml"},
                  {"EJABBERD_LOG_PATH", directory + "/mosquitto.log"},
                  {"ERL_LIBS", "/usr/lib/x86_64-linux-gnu"},
                  {"ERL_CRASH_DUMP", directory + "/erl_crash.dump"},
                  {"HOME", directory}},
          .output = output,
          .errors = output};
}

std::string login(const std::string& directory, const std::string& name) {
  const std::string file = directory + "/password";
  write_text(file, std::string(kPassword) + "\n");
  ::chmod(file.c_str(), 0600);
  return "username = \"" + name + "@localhost\"\npassword_file = \"" + file + "\"\n";
}

std::vector<std::string> login_options(const std::string& name) {
  return {"-u", name + "@localhost", "-P", kPassword};
}

}  // namespace spillway::test::ejabberd
