#!/usr/bin/env bash
# TorchSharp 0.107.0, C#: a Scalar made for a call (x.add_(y, 0.5); also x.add_(y), which makes Scalar 1) may be freed while the call runs.
#
# Expected: what is handed to native code lives until it returns (GC.KeepAlive, or a SafeHandle).
# Seen: Tensor.add_ takes the Scalar's pointer, calls, and mentions the Scalar no more; Scalar has a finalizer that frees it. A collection of
# another thread between the two frees what the native code reads: once in a simulation on a machine with a load of 45 an AdamW step ended
# with "Expected false to be true, but got false ... toFloat at c10/core/Scalar.h:140" from THSTensor_add_. With "using Scalar s = 0.5;" or
# a static Scalar there is nothing to free.
# No tensor is made here, so no native library is needed: the compiled bodies are read.
# Ends with 0 while this is so, and with 1 when a version keeps the Scalar.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
cat >probe.csproj <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp" Version="0.107.0" /></ItemGroup>
</Project>
EOF
cat >Probe.cs <<'EOF'
using System;
using System.Linq;
using System.Reflection;
using TorchSharp;

internal static class Probe
{
    private static void Main()
    {
        const BindingFlags all = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly;
        Console.WriteLine($"Scalar has a finalizer: {typeof(Scalar).GetMethod("Finalize", all) is not null}");
        var add = typeof(torch.Tensor).GetMethod("add_", [typeof(torch.Tensor), typeof(Scalar)])!;
        var body = add.GetMethodBody()!.GetILAsByteArray()!;
        var calls = Enumerable.Range(0, body.Length - 4).Where(i => body[i] is 0x28 or 0x6F).Select(i =>
        {
            try
            {
                var called = add.Module.ResolveMethod(BitConverter.ToInt32(body, i + 1))!;
                return $"{called.DeclaringType?.Name}.{called.Name}";
            }
            catch (ArgumentException)
            {
                // Not a call after all.
                return "";
            }
        }).Where(name => name.Length > 0).ToList();
        Console.WriteLine($"add_ calls: {string.Join(", ", calls)}");
        Console.WriteLine($"add_ keeps it alive: {calls.Contains("GC.KeepAlive")}");
    }
}
EOF
dotnet run --property:NuGetAudit=false >seen.txt 2>build.log || { cat build.log seen.txt >&2; exit 1; }
cat seen.txt
grep -q '^Scalar has a finalizer: True' seen.txt && grep -q '^add_ keeps it alive: False' seen.txt
