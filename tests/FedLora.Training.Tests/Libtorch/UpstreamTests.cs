using FedLora.Tests;
using FedLora.Training.Libtorch;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Libtorch;

/// <summary>
/// What TorchSharp 0.107 and libtorch 2.10 do otherwise than one would think. A test that fails here after an upgrade says what to read
/// before it lands.
/// </summary>
public sealed class UpstreamTests
{
    [Fact]
    public void These_are_the_versions_that_were_read() =>
        Assert.Equal(("2.10.0.0", new Version(0, 107)), (__version__, Shortened(typeof(torch).Assembly.GetName().Version!)));

    /// <summary>
    /// PyTorch: input + batch1 batch2. Here: batch2 + input batch1; silently wrong for square matrices, so product code does not use it.
    /// </summary>
    [Fact]
    public void Baddbmm_takes_its_tensors_in_another_order()
    {
        using var scope = NewDisposeScope();
        var (input, one, two) = (tensor(new float[] { 1, 2, 3, 4 }, [1, 2, 2]), tensor(new float[] { 5, 6, 7, 8 }, [1, 2, 2]),
            tensor(new float[] { 9, 10, 11, 12 }, [1, 2, 2]));
        Assert.Equal(Values(two + input.bmm(one)), Values(baddbmm(input, one, two)));
        Assert.Equal(Values(two + input.bmm(one)), Values(input.baddbmm(one, two)));
        Assert.Equal(Values(input[0] + one[0].mm(two[0])), Values(addmm(input[0], one[0], two[0], 1, 1)));
    }

    /// <summary>C# takes a literal 0 for the enumeration ScalarType, whose 0 is Byte.</summary>
    [Fact]
    public void A_literal_0_sums_and_multiplies_everything_modulo_256()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 100, 2, 100, 3, 100, 4 }, [3, 2]);
        foreach (var reduced in new[] { x.sum(0), torch.sum(x, 0) })
        {
            Assert.Equal((ScalarType.Byte, 0L), (reduced.dtype, reduced.dim()));
            Assert.Equal(309 % 256, reduced.item<byte>());
        }
        Assert.Equal((ScalarType.Byte, 0L), (x.prod(0).dtype, x.prod(0).dim()));
        Assert.Equal([300, 9], Values(x.sum(0L)));
        Assert.Equal([300, 9], Values(x.sum(dim: 0)));
        Assert.Equal([102, 103, 104], Values(x.sum(1)));
    }

    [Fact]
    public void A_whole_number_is_norm_s_dimension_and_not_its_power()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 3, 4, 6, 8 }, [2, 2]);
        Assert.Equal([5, 10], Values(x.norm(1)));
        Assert.Equal([21], Values(x.norm(1f)));
    }

    [Fact]
    public void What_is_done_in_place_gives_back_the_same_object()
    {
        using var x = zeros(2);
        Assert.Same(x, x.add_(1));
        using var second = x.alias();
        Assert.NotSame(x, second);
    }

    [Fact]
    public void Equal_compares_each_entry()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(2, zeros(2).equal(zeros(2)).numel());
    }

    /// <summary>So nothing looks for libgomp by its name, see <see cref="Kernels.OpenMpTeamTests"/>.</summary>
    [Fact]
    public void Libtorch_brings_its_OpenMP_under_a_name_of_its_own()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("LIBTORCH") is null, "of the package for Linux");
        Assert.Equal(["libgomp-98b21ff3.so.1"],
            File.ReadLines("/proc/self/maps").Where(line => line.Contains("/libgomp", StringComparison.Ordinal))
                .Select(line => Path.GetFileName(line)).Distinct());
    }

    /// <summary>When this fails, see whether LibstdcxxCompatibility can go.</summary>
    [Fact]
    public void TorchSharp_needs_a_version_of_libstdcxx_of_which_it_uses_nothing()
    {
        var library = Path.Combine(Fixtures.Repository, ".build", "libtorch", "linux-x64", "libLibTorchSharp.so");
        Assert.SkipUnless(File.Exists(library), "of the package for Linux");
        var (before, after) = (File.ReadAllBytes(library), File.ReadAllBytes(library));
        Assert.True(ElfVersionNeeds.TryWeaken(after, "libstdc++.so.6", "GLIBCXX_3.4.32"));
        Assert.Equal(2,
            Assert.Single(Enumerable.Range(0, before.Length), i => before[i] != after[i]) is var at ? before[at] ^ after[at] : 0);
    }

    private static Version Shortened(Version version) => new(version.Major, version.Minor);

    private static float[] Values(Tensor of) => of.contiguous().data<float>().ToArray();
}
