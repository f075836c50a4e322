using FedLora.Client.State;

namespace FedLora.Client.Tests;

/// <summary>How often a round was paid for is known in every process that comes after.</summary>
public sealed class RoundChargesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    [Fact]
    public void Charges_of_the_newest_round_are_counted()
    {
        Assert.Equal(0, RoundCharges.Of(_folder.FullName, 7));
        RoundCharges.Add(_folder.FullName, 7);
        RoundCharges.Add(_folder.FullName, 7);
        Assert.Equal(2, RoundCharges.Of(_folder.FullName, 7));
        RoundCharges.Add(_folder.FullName, 8);
        Assert.Equal((0, 1), (RoundCharges.Of(_folder.FullName, 7), RoundCharges.Of(_folder.FullName, 8)));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
