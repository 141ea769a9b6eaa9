#include "agent/cli/completion.h"

namespace spillway::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string names_of(const std::vector<CompletedCommand>& commands) {
  std::string text;
  for (const CompletedCommand& command : commands) text += (text.empty() ? "" : " ") + command.name;
  return text;
}

// A single-quoted word of the shell.
std::string quoted(const std::string& text) {
  std::string word = "'";
  for (char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string bash_script(const std::vector<CompletedCommand>& commands) {
  std::string script =
      "# bash completion for spillway; load it with: source <(spillway completion bash)\n"
      "_spillway() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "      --socket) ((++i)) ;;\n"
      "      -*) ;;\n"
      "      *) command=${COMP_WORDS[i]}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  local words=\n"
      "  case $command in\n";
  for (const CompletedCommand& command : commands) {
    script += "    " + command.name + ") words=" + quoted(joined(command.options)) + " ;;\n";
  }
  script +=
      "    '') words=" + quoted(names_of(commands) + " --json --socket --help") +
      " ;;\n"
      "  esac\n"
      "  [[ $word == -* || -z $command ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}\n"
      "complete -o default -F _spillway spillway\n";
  return script;
}

std::string zsh_script(const std::vector<CompletedCommand>& commands) {
  std::string script =
      "#compdef spillway\n"
      "# zsh completion for spillway; load it with: source <(spillway completion zsh)\n"
      "_spillway() {\n"
      "  local -a commands options\n"
      "  commands=(\n";
  for (const CompletedCommand& command : commands) {
    script += "    " + quoted(command.name + ":" + command.help) + "\n";
  }
  script +=
      "  )\n"
      "  if ((CURRENT == 2)); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  case $words[2] in\n";
  for (const CompletedCommand& command : commands) {
    script += "    " + command.name + ") options=(" + joined(command.options) + ") ;;\n";
  }
  script +=
      "  esac\n"
      "  if [[ $PREFIX == -* ]]; then compadd -a options; else _files; fi\n"
      "}\n"
      "compdef _spillway spillway\n";
  return script;
}

}  // namespace

Result<std::string> completion_script(const std::string& shell,
                                      const std::vector<CompletedCommand>& commands) {
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  return fail(Code::invalid_argument,
              "there is no completion for '" + shell + "'; bash and zsh have one");
}

}  // namespace spillway::cli
