#!/bin/bash
# Prints a folder with Debian 13's bluetoothd and every library it needs, to be
# started with the loader among them, whatever this machine's own is.
#
# The packages come from where this machine's own come from, with their signatures
# checked, and are unpacked below ${XDG_CACHE_HOME:-~/.cache}/sesshoku, once. Nothing
# is installed. It fails where they cannot be had, and says why.
set -euo pipefail

suite=trixie
version=5.82
packages=(bluez libc6 libglib2.0-0t64 libdbus-1-3 libudev1 libasound2t64 libdw1t64 libelf1t64
    libpcre2-8-0 libsystemd0 libcap2 zlib1g libbz2-1.0 liblzma5 libzstd1 libatomic1 libgcc-s1)

fail() {
    echo "bluetoothd.sh: $*" >&2
    exit 1
}

# apt with the one suite, and with folders of its own for all that it writes.
in_suite() {
    local program=$1
    shift
    "$program" -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work_dir/sources" \
        -o "Dir::State::Lists=$work_dir/lists" -o "Dir::Cache=$work_dir/cache" \
        -o Dir::State::Status=/dev/null -o APT::Sandbox::User=root "$@"
}

# The loader of the unpacked system, which is called differently on each architecture.
loader() {
    find "$1/usr/lib" "$1/usr/lib64" -name 'ld-linux*.so*' 2>/dev/null | head -n 1
}

# Runs the unpacked bluetoothd $1 with the other arguments.
run() {
    local root=$1
    shift
    "$root/loader" --library-path "$root/libraries" "$root/bluetoothd" "$@"
}

# Unpacks everything into a folder of its own and moves it to $1.
unpack() {
    local folder=$1 mirror deb
    work_dir=$(mktemp -d "$(dirname "$folder")/unpack.XXXXXX")
    trap 'rm -rf "$work_dir"' EXIT
    mirror=$(apt-get indextargets --format "\$(REPO_URI) \$(ORIGIN) \$(COMPONENT)" \
        "Created-By: Packages" | awk '$2 == "Debian" && $3 == "main" && !/security/ { print $1; exit }')
    [ -n "$mirror" ] || fail "apt knows no mirror of Debian"
    mkdir -p "$work_dir"/{sources,lists/partial,cache/archives/partial,debs,root}
    cat >"$work_dir/sources/$suite.sources" <<END
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Architectures: $(dpkg --print-architecture)
Targets: Packages
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    echo "bluetoothd.sh: fetching bluetoothd $version and its libraries, once" >&2
    in_suite apt-get --quiet --error-on=any update >&2 || fail "Debian's $suite is out of reach"
    cd "$work_dir/debs"
    in_suite apt-get --quiet download "${packages[@]}" >&2 || fail "a package cannot be fetched"
    for deb in *.deb; do
        dpkg-deb --extract "$deb" "$work_dir/root"
    done
    cd "$work_dir/root"
    ln -s "$(find usr/lib -maxdepth 1 -name '*-linux-gnu*')" libraries
    ln -s usr/libexec/bluetooth/bluetoothd bluetoothd
    ln -s "$(loader .)" loader
    [ "$(run . --version)" = "$version" ] || fail "$suite has bluetoothd $(run . --version), not $version"
    rm -rf usr/share
    mv "$work_dir/root" "$folder"
}

folder=${XDG_CACHE_HOME:-$HOME/.cache}/sesshoku/bluetoothd-$version
if [ ! -d "$folder" ]; then
    mkdir -p "$(dirname "$folder")"
    # Several test runs may want it at once: one fetches, the others wait.
    exec 9>"$folder.lock"
    flock 9
    [ -d "$folder" ] || unpack "$folder"
fi
echo "$folder"
