namespace FedLora.Cli.Tests.Layout;

/// <summary>
/// What .NET has compiled ahead stays so: a package's newer copy of one of its assemblies would take its place and be compiled at every
/// start.
/// </summary>
public sealed class CompiledAheadTests
{
    [Fact]
    public void No_package_takes_the_place_of_an_assembly_of_the_framework_s()
    {
        Assert.SkipWhen(Environment.Version < new Version(10, 0, 12), "the packages may be newer than this .NET");
        var framework = Path.GetDirectoryName(typeof(Microsoft.AspNetCore.Http.HttpContext).Assembly.Location)!;
        var loaded = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        Assert.Contains(Path.Combine(framework, "Microsoft.Extensions.Hosting.dll"), loaded);
        Assert.DoesNotContain(loaded, file => Path.GetFileName(file).StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
            && Path.GetDirectoryName(file) != framework && File.Exists(Path.Combine(framework, Path.GetFileName(file))));
    }
}
