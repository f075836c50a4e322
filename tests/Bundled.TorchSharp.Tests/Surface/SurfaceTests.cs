namespace TorchSharp.Tests.Surface;

/// <summary>Nothing is public here that the upstream does not have, by type, name, parameters (types and names) and result.</summary>
public sealed class SurfaceTests
{
    private static readonly UpstreamList Upstream = UpstreamList.Read("torchsharp-signatures.txt", "torchsharp-signatures-more.txt");

    [Fact]
    public void Every_public_type_exists_upstream()
    {
        var unknown = Members.Types(typeof(torch).Assembly).Select(Members.Owner).Where(owner => !Upstream.Types.Contains(owner));
        Assert.Empty(unknown);
    }

    [Fact]
    public void Every_visible_member_exists_upstream()
    {
        var unknown = Members.Types(typeof(torch).Assembly).SelectMany(Members.Of).Where(member => !Upstream.Has(member)).ToList();
        Assert.True(unknown.Count == 0, $"{unknown.Count} members are not the upstream's:\n{string.Join('\n', unknown)}");
    }

    [Fact]
    public void The_lists_are_not_empty_and_the_test_can_fail()
    {
        Assert.True(Upstream.Has("torch: static Tensor matmul(Tensor input, Tensor target)"));
        Assert.True(Upstream.Has("Tensor: (Tensor, Tensor) topk(int k, int dim, bool largest, bool sorted)"));
        Assert.False(Upstream.Has("torch: static Tensor matmul(Tensor input, Tensor other)"));
        Assert.Contains(Members.Of(typeof(torch.Tensor)), member => member == "Tensor: (Tensor, Tensor) topk(int k, int dim, bool largest, bool sorted)");
    }
}
