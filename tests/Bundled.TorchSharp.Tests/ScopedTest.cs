namespace TorchSharp.Tests;

/// <summary>Gives each test a dispose scope, and the class the machine to itself as far as native counts go.</summary>
[Collection("native")]
public abstract class ScopedTest : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }
}
