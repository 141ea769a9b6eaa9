"""clang-tidy, or Clang for 32 bits, over the sources of a build directory; called by lint.sh.

Most of its time goes into the headers of others, so sources compiled alike share a translation unit;
a unit that does not compile, as names in it clash, is halved. A unit that passed is not looked at
again until it, its headers or the checks change; what was changed last comes first. Prints each
finding once; exits 1 when there is one.

With --narrow the product's sources are only compiled, for 32 bits and to no output: what devices of
ARMv7 would refuse.

usage: tidy.py BUILD SECONDS [--narrow]
"""
import concurrent.futures, hashlib, json, os, re, shlex, subprocess, sys, time

UNIT = 12  # sources
ROOT = os.getcwd()
OWN = re.compile(r"(common|agent|cloud|tests)/")


def compile_groups(build):
    """Own sources by the command that compiles them, without what names the one source."""
    groups = {}
    for entry in json.load(open(f"{build}/compile_commands.json")):
        source = os.path.relpath(entry["file"], ROOT)
        if not OWN.match(source) or not source.endswith(".cpp"):
            continue
        words = shlex.split(entry["command"])
        while not os.path.basename(words[0]).startswith("clang"):
            words.pop(0)  # a launcher
        options = []
        i = 1
        while i < len(words):
            if words[i] in ("-o", "-c", "-MF", "-MT"):
                i += 2
                continue
            if words[i] not in ("-MD", entry["file"]):
                options.append(words[i])
            i += 1
        groups.setdefault(tuple(options), set()).add(source)
    return {options: sorted(sources) for options, sources in groups.items()}


def narrow(groups):
    """The product's sources for a machine of 32 bits: without sanitizers and the precompiled header."""
    narrowed = {}
    for options, sources in groups.items():
        words = " ".join(options)
        words = re.sub(r"-Xclang \S+|-f(no-)?sanitize\S*|-Winvalid-pch|-DSPILLWAY_SANITIZED=1", "", words)
        product = {source for source in sources if not source.startswith("tests/")}
        narrowed.setdefault((*words.split(), "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"), set()).update(product)
    return {options: sorted(sources) for options, sources in narrowed.items()}


def headers_of(build):
    """Own headers of each own source, as the last build saw them."""
    headers, source = {}, None
    lines = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    for line in lines.splitlines():
        if not line.startswith(" "):
            source = None
            continue
        path = os.path.relpath(os.path.join(build, line.strip()), ROOT)
        if not OWN.match(path):
            continue
        if source is None:
            source = path
        elif path.endswith(".h"):
            headers.setdefault(source, set()).add(path)
    return headers


def changed():
    """Own sources by how many changes ago their last one was; none of it without git."""
    log = subprocess.run(["git", "log", "-n", "500", "--format=", "--name-only"], capture_output=True, text=True).stdout
    order = {}
    for name in log.split("\n"):
        order.setdefault(name, len(order))
    return order


class Tidy:
    def __init__(self, build, seconds, command, options):
        self.build, self.deadline = build, time.time() + seconds
        self.command, self.options = command, options
        self.folder = os.path.abspath(f"{build}/tidy")
        os.makedirs(self.folder, exist_ok=True)
        self.headers = headers_of(build)
        self.all_headers = sorted(
            os.path.join(at, name) for top in ("common", "agent", "cloud", "tests")
            for at, _, names in os.walk(top) for name in names if name.endswith(".h"))
        self.findings, self.left = set(), 0

    def stamp(self, options, sources):
        digest = hashlib.sha256(repr((self.command, options)).encode())
        files = {".clang-tidy", __file__, *sources}
        for source in sources:
            files |= self.headers.get(source, set(self.all_headers))
        for name in sorted(files):
            if os.path.exists(name):
                digest.update(open(name, "rb").read())
        return f"{self.folder}/{digest.hexdigest()}"

    def look(self, options, sources):
        stamp = self.stamp(options, sources)
        if os.path.exists(stamp):
            return
        if time.time() > self.deadline:
            self.left += len(sources)
            return
        unit = stamp + ".cpp"
        with open(unit, "w") as out:
            out.writelines(f'#include "{ROOT}/{source}"  // NOLINT\n' for source in sources)
        said = subprocess.run([*self.command, unit, *self.options, *options, "-Wno-unused-function",
                               "-Wno-unneeded-internal-declaration", "-Wno-shadow"],
                              capture_output=True, text=True, cwd=self.build)
        os.remove(unit)
        clash = "clang-diagnostic-error" in said.stdout or not self.options
        if said.returncode and clash and len(sources) > 1:
            half = len(sources) // 2
            self.look(options, sources[:half])
            self.look(options, sources[half:])
        elif said.returncode == 0:
            open(stamp, "w").close()
        else:
            self.tell(said.stdout or said.stderr)

    def tell(self, report):
        for finding in re.split(r"\n(?=\S+:\d+:\d+: (?:error|warning))", report):
            if finding.strip() and finding not in self.findings:
                self.findings.add(finding)
                print(finding, flush=True)


def main():
    build, seconds = sys.argv[1], float(sys.argv[2])
    groups = compile_groups(build)
    if sys.argv[3:] == ["--narrow"]:
        name, groups = "32 bits", narrow(groups)
        tidy = Tidy(build, seconds, ["clang++", "-fsyntax-only"], [])
    else:
        name = "clang-tidy"
        tidy = Tidy(build, seconds, ["clang-tidy", "--quiet"], ["--"])
    units = [(options, sources[i:i + UNIT]) for options, sources in groups.items()
             for i in range(0, len(sources), UNIT)]
    order = changed()
    units.sort(key=lambda unit: min(order.get(source, len(order)) for source in unit[1]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(tidy.look, *unit) for unit in units]:
            done.result()
    if tidy.left:
        print(f"{name}: {tidy.left} sources not looked at for want of time; run it again to go on")
    sys.exit(1 if tidy.findings else 0)


main()
