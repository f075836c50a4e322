using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class ErrorTests : ScopedTest
{
    public static TheoryData<string, Action> Mistakes => new()
    {
        { "shapes cannot be multiplied", () => ones(2, 3).matmul(ones(4, 5)) },
        { "shapes cannot be multiplied", () => ones(2, 3).mm(ones(4, 5)) },
        { "must match the size", () => ones(2, 3).add(ones(4)) },
        { "is invalid for input of size 6", () => ones(2, 3).view(5) },
        { "Sizes of tensors must match", () => cat([ones(2, 3), ones(2, 4)]) },
        { "out of range", () => ones(2, 3).index_select(0, tensor(new long[] { 7 })) },
        { "exceeds dimension size", () => ones(2, 3).narrow(0, 1, 5) },
        { "Dimension out of range", () => ones(2, 3).sum(4) },
        { "batch2 tensor", () => ones(2, 3, 4).bmm(ones(2, 5, 6)) },
        { "normalized_shape", () => nn.functional.layer_norm(ones(2, 3), [4]) },
        { "fewer operands", () => einsum("ij,jk", ones(2, 3)) },
        { "element 0 of tensors does not require grad", () => ones(1).backward() },
        { "a leaf Variable that requires grad", () => ones(2, requires_grad: true).add_(1) },
        { "only Tensors of floating point", () => ones(2, dtype: int64, requires_grad: true) },
        { "can be implicitly created only for scalar outputs", () => ones(2, requires_grad: true).mul(2).backward() },
        { "cholesky", () => linalg.cholesky(full([2, 2], -1.0)) },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_throws_libtorchs_message(string part, Action mistake)
    {
        var error = Assert.Throws<ExternalException>(mistake);
        Assert.Contains(part, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("frame #", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_tensor_says_so()
    {
        var tensor = ones(2);
        tensor.Dispose();
        tensor.Dispose();
        Assert.True(tensor.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => tensor.add(1));
        Assert.Throws<InvalidOperationException>(() => tensor.shape);
    }

    [Fact]
    public void Cuda_without_a_device_is_refused()
    {
        if (cuda.is_available())
            return;
        Assert.Equal(0, cuda.device_count());
        Assert.Throws<InvalidOperationException>(() => ones(2).cuda());
        Assert.Throws<InvalidOperationException>(() => zeros(2, device: "cuda:0"));
    }
}
