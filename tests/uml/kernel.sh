#!/bin/bash
# Prints the path of a User-Mode Linux kernel for the Bluetooth tests.
#
# It is the first there is of
#   1. $SESSHOKU_UML_KERNEL,
#   2. ${SESSHOKU_SHARED:-../shared}/uml/linux, beside the project's folder, where it runs
#      on this machine's processor,
#   3. ${XDG_CACHE_HOME:-~/.cache}/sesshoku/uml-HASH/linux, HASH being that of
#      what the kernel is built from.
# When there is none, the third is built from Debian's kernel source, with tools that
# scripts/setup installs. That takes about five minutes on two cores.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
series=6.1
# How many bytes of a processor's registers it has room for: those of one with AMX take
# 11,008. The unchanged kernel has room for 2,696, and its first program dies where there
# are more ("ptrace set fp regs failed").
registers=12288
# The release of Debian that has it, and what signs that.
release=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
    echo "kernel.sh: $*" >&2
    exit 1
}

# Downloads Debian's source package of that series, with which the behaviour was measured:
# from the release that has it, where this machine's is another. Where apt knows neither,
# of the series that this machine's release has.
download_source() {
    local repository older package=linux-source-$series apt=(apt-get -qq -o APT::Sandbox::User=root)
    # By its whole name: for `apt-cache show` 6.12 is a match of 6.1, too.
    if apt-cache pkgnames "$package" | grep -qxF "$package"; then
        "${apt[@]}" download "$package"
        return
    fi
    # shellcheck disable=SC2016
    repository=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
    if [ -n "$repository" ]; then
        # Lists of its own: the machine's know nothing of that release, and shall not.
        mkdir -p apt/lists/partial apt/cache/archives/partial
        echo "deb [signed-by=$keyring] $repository $release main" >apt/sources.list
        older=("${apt[@]}" -o Dir::Etc::sourceparts=/dev/null
            -o Dir::Etc::sourcelist="$PWD/apt/sources.list"
            -o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache")
        "${older[@]}" update && "${older[@]}" download "$package" && return
    fi
    package=$(apt-cache depends linux-source 2>/dev/null | sed -n 's/^ *Depends: *//p' | head -n 1)
    [ -n "$package" ] || fail "apt knows no package with the kernel's source (apt-get update?)"
    echo "kernel.sh: there is no linux-source-$series; the tests were made with that" >&2
    "${apt[@]}" download "$package"
}

# Fails unless .config has every setting of kernel.config.
check_config() {
    local setting
    while read -r setting; do
        grep -qxF -- "$setting" .config || fail "the kernel cannot be built with: $setting"
    done < <(grep "^CONFIG_" "$here/kernel.config")
    while read -r setting; do
        ! grep -q "^$setting=" .config || fail "the kernel cannot be built without $setting"
    done < <(sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/p' "$here/kernel.config")
}

# Makes room for a processor's registers. They lie on the kernel's stacks, which
# kernel.config makes larger.
make_room_for_registers() {
    local offsets=arch/x86/um/user-offsets.c
    sed -i "s/(HOST_FP_SIZE, 2696)/(HOST_FP_SIZE, $registers)/" "$offsets"
    grep -q "(HOST_FP_SIZE, $registers)" "$offsets" ||
        fail "this kernel's room for registers is not where it was"
}

# Whether kernel $1 runs a program on this machine.
runs_here() {
    local said
    # With its first program every kernel ends, and says how that did.
    said=$(timeout 20 "$1" mem=64M root=/dev/root rootfstype=hostfs ro init=/bin/true \
        con=null con0=null,fd:1 </dev/null 2>&1) || true
    [[ $said == *'exitcode=0x00000000'* ]]
}

# Builds the kernel in a folder of its own beside $1 and moves it there.
build() {
    local kernel=$1
    "$here/../../scripts/setup" kernel >&2 ||
        fail "there is no kernel for the Bluetooth tests, and what is needed to build one" \
            "cannot be installed. SESSHOKU_UML_KERNEL can name a kernel from elsewhere."

    build_dir=$(mktemp -d "$(dirname "$kernel")/build.XXXXXX")
    trap 'rm -rf "$build_dir"' EXIT
    cd "$build_dir"
    download_source >&2
    echo "kernel.sh: building $kernel from $(echo ./*.deb), once" >&2
    dpkg-deb --extract ./*.deb deb
    mkdir linux
    tar --extract --strip-components=1 --directory=linux --file="$(echo deb/usr/src/*.tar.*)"
    rm -rf deb apt ./*.deb
    cd linux
    make_room_for_registers
    {
        make ARCH=um defconfig
        ARCH=um ./scripts/kconfig/merge_config.sh -m .config "$here/kernel.config"
        make ARCH=um olddefconfig
    } >../config.log 2>&1 || fail "cannot configure the kernel: $(tail -n 20 ../config.log)"
    check_config
    make ARCH=um -j "$(nproc)" linux >../build.log 2>&1 ||
        fail "cannot build the kernel: $(tail -n 20 ../build.log)"
    strip --strip-debug linux
    mv linux "$kernel"
}

if [ -n "${SESSHOKU_UML_KERNEL:-}" ]; then
    [ -x "$SESSHOKU_UML_KERNEL" ] || fail "SESSHOKU_UML_KERNEL is no program: $SESSHOKU_UML_KERNEL"
    echo "$SESSHOKU_UML_KERNEL"
    exit
fi

shared=${SESSHOKU_SHARED:-$here/../../../shared}
if [ -x "$shared/uml/linux" ] && runs_here "$shared/uml/linux"; then
    realpath "$shared/uml/linux"
    exit
fi

hash=$({ echo "$series $registers" && cat "$here/kernel.config"; } | sha256sum | head -c 12)
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/sesshoku/uml-$hash
kernel=$cache_dir/linux
if [ ! -x "$kernel" ]; then
    mkdir -p "$cache_dir"
    # Several test runs may want it at once: one builds, the others wait.
    exec 9>"$cache_dir/lock"
    flock 9
    [ -x "$kernel" ] || build "$kernel"
fi
echo "$kernel"
