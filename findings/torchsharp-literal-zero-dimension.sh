#!/usr/bin/env bash
# TorchSharp 0.107.0, C#: in x.sum(0) and x.prod(0) the literal 0 is not a dimension.
#
# Expected: as x.sum(1), the sum along one dimension.
# Seen: the compiler takes the overload whose parameter is a ScalarType (C# converts the literal 0, and no other number, to any enum, here to
# ScalarType.Byte), so everything is summed and the result is a Byte. x.sum(1) and x.sum(0L) are along a dimension.
# No tensor is made here, so no native library is needed: the compiled bodies name the overload that was bound.
# Ends with 0 while this is so, and with 1 when a version binds otherwise.
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
using TorchSharp;

internal static class Probe
{
    // Never called: what counts is which overload the compiler writes into each body.
    public static torch.Tensor SumZero(torch.Tensor x) => x.sum(0);
    public static torch.Tensor SumOne(torch.Tensor x) => x.sum(1);
    public static torch.Tensor SumLongZero(torch.Tensor x) => x.sum(0L);
    public static torch.Tensor ProdZero(torch.Tensor x) => x.prod(0);

    private static void Main()
    {
        foreach (var name in new[] { "SumZero", "SumOne", "SumLongZero", "ProdZero" })
        {
            var body = typeof(Probe).GetMethod(name)!.GetMethodBody()!.GetILAsByteArray()!;
            for (var i = 0; i + 4 < body.Length; i++)
            {
                if (body[i] is not (0x28 or 0x6F))
                    continue;
                try
                {
                    var called = typeof(Probe).Module.ResolveMethod(BitConverter.ToInt32(body, i + 1))!;
                    if (called.Name is "sum" or "prod")
                        Console.WriteLine($"{name}: {string.Join(", ", Array.ConvertAll(called.GetParameters(), p => Nullable.GetUnderlyingType(p.ParameterType)?.Name ?? p.ParameterType.Name))}");
                }
                catch (ArgumentException)
                {
                    // Not a call after all.
                }
            }
        }
    }
}
EOF
dotnet run --property:NuGetAudit=false >seen.txt 2>build.log || { cat build.log seen.txt >&2; exit 1; }
cat seen.txt
grep -q '^SumZero: ScalarType' seen.txt && grep -q '^ProdZero: ScalarType' seen.txt && grep -q '^SumOne: Int64' seen.txt && grep -q '^SumLongZero: Int64' seen.txt
