using FedLora.Client.State;

namespace FedLora.Client.Tests;

/// <summary>How often a round was paid for is known in every process that comes after.</summary>
public sealed class RoundChargesTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    [Fact]
    public void Charges_of_the_newest_round_are_counted()
    {
        Assert.Equal(0, RoundCharges.Of(folder.FullName, 7));
        RoundCharges.Add(folder.FullName, 7);
        RoundCharges.Add(folder.FullName, 7);
        Assert.Equal(2, RoundCharges.Of(folder.FullName, 7));
        RoundCharges.Add(folder.FullName, 8);
        Assert.Equal((0, 1), (RoundCharges.Of(folder.FullName, 7), RoundCharges.Of(folder.FullName, 8)));
    }

    public void Dispose() => folder.Delete(recursive: true);
}
