using FedLora.Client.Trainers;
using FedLora.Training.Optimization;

namespace FedLora.Client.Tests;

public sealed class KeptOptimizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-optimizer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_round_goes_on_from_the_last_before_it_and_so_does_one_that_is_trained_again()
    {
        Assert.Equal(0, KeptOptimizer.Load(_folder, 1).Steps);
        KeptOptimizer.Save(_folder, 1, new OptimizerMemory(10, [1, 2], [3, 4]));
        KeptOptimizer.Save(_folder, 3, new OptimizerMemory(20, [5, 6], [7, 8]));
        Assert.Equal(20, KeptOptimizer.Load(_folder, 4).Steps);
        var again = KeptOptimizer.Load(_folder, 3);
        Assert.Equal((10, 2f, 4f), (again.Steps, again.Mean[1], again.Square[1]));
        // What a method keeps lies apart from it.
        Assert.Null(KeptFactors.Newest(_folder));
    }
}
