#!/usr/bin/env bash
# TorchSharp 0.107.0, linux-x64: libLibTorchSharp.so cannot be loaded where libstdc++ lacks GLIBCXX_3.4.32 (Debian 12, Ubuntu 22.04), though no relocation uses that version.
#
# Expected: a library that needs a symbol version uses one of its symbols.
# Seen: the only symbol bound to the version, std::ios_base_library_init() (a marker by which GCC 13's headers ask for a new enough libstdc++), is in the symbol table and in
# no relocation. The system's loader checks needed versions, not used ones, so the library is refused all the same.
# Ends with 0 while this is so, and with 1 when a version needs or uses otherwise. Wants the .NET SDK and readelf (binutils).
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
cat >probe.csproj <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp" Version="0.107.0" /></ItemGroup>
</Project>
EOF
dotnet restore --packages "$work/packages" --property:NuGetAudit=false >restore.log || { cat restore.log >&2; exit 1; }
library=packages/torchsharp/0.107.0/runtimes/linux-x64/native/libLibTorchSharp.so
readelf -VW "$library" >versions.txt
readelf --dyn-syms -W "$library" | grep 'GLIBCXX_3\.4\.32' | tee symbols.txt
readelf -rW "$library" | grep -c 'GLIBCXX_3\.4\.32' >relocations.txt || true
echo "relocations that use the version: $(cat relocations.txt)"
grep -q 'Name: GLIBCXX_3\.4\.32  Flags: none' versions.txt && [ "$(wc -l <symbols.txt)" = 1 ] && grep -q 'ios_base_library_init' symbols.txt && [ "$(cat relocations.txt)" = 0 ]
