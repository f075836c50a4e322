using System.Reflection;
using FedLora.Tests;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Bundled.Grpc.Tests.Surface;

/// <summary>Nothing is public here that upstream does not have.</summary>
public sealed class PublicSurfaceTests
{
    private static readonly Dictionary<string, HashSet<string>> Upstream =
        UpstreamList.Read(Path.Combine(Fixtures.Repository, "tests/Bundled.Grpc.Tests/Surface/grpc-signatures.txt"));

    public static TheoryData<string, int> Assemblies => new()
    {
        { typeof(CallInvoker).Assembly.GetName().Name!, 45 },
        { typeof(GzipCompressionProvider).Assembly.GetName().Name!, 3 },
        { typeof(GrpcChannel).Assembly.GetName().Name!, 2 },
        { typeof(GrpcServiceOptions).Assembly.GetName().Name!, 11 },
    };

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Every_public_type_and_member_is_in_the_list_of_upstream(string assembly, int atLeast)
    {
        var types = Declared.Types(Assembly.Load(assembly)).ToArray();
        Assert.True(types.Length >= atLeast, $"{assembly} has only {types.Length} public types");
        Assert.Equal("", string.Join("\n", types.SelectMany(Unknown)));
    }

    [Fact]
    public void What_upstream_does_not_have_is_found_out()
    {
        Assert.Contains("Bundled.Grpc.Tests.Surface.PublicSurfaceTests", Unknown(typeof(PublicSurfaceTests)));
        Assert.DoesNotContain("void Add(string,int)", Upstream["Grpc.Core.Metadata"]);
        Assert.Contains("void Add(string,string)", Upstream["Grpc.Core.Metadata"]);
    }

    private static IEnumerable<string> Unknown(Type type)
    {
        if (Declared.IsDelegate(type))
        {
            return UpstreamList.Delegates(Upstream).Contains(Declared.Delegate(type)) ? [] : [Declared.Delegate(type)];
        }

        if (!Upstream.TryGetValue(Declared.TypeName(type), out var known)) return [Declared.TypeName(type)];

        // Without any constructor C# gives a class one; the list, read from sources, does not show it.
        var implicitConstructor = $"{type.Name.Split('`')[0]}()";
        return Declared.Members(type)
            .Where(member => !known.Contains(member) && !(type.IsEnum && known.Contains(member.Split('=')[0])))
            .Where(member => member != implicitConstructor || known.Any(other => other.StartsWith(implicitConstructor[..^1], StringComparison.Ordinal)))
            .Select(member => $"{Declared.TypeName(type)}: {member}");
    }
}
