using System.Text;
using FedLora.Client.State;
using FedLora.Protocol.V1;

namespace FedLora.Server.Tests;

/// <summary>A trainer whose noise hides the site's data: nothing else goes out beside it, as under privacy terms. By what is sent; and that
/// it is sent where nothing is hidden, so that it would be seen.</summary>
public sealed class SilentTrainerTests
{
    private static readonly string Loss = Encoding.Latin1.GetString(BitConverter.GetBytes(0.5));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Neither_loss_nor_time_goes_out(bool isSilent)
    {
        await using var bench = await Bench.StartAsync();
        using var proxy = new RecordingProxy(bench.Operator.Url);
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1) { IsSilent = isSilent }, end.Token, url: proxy.Url);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        await end.CancelAsync();
        await node;
        var header = PendingUpdate.Load(NodeFolder.FederationFolderOf(bench.StateOf("a"), "test"))!.Header;
        Assert.Equal((!isSilent, !isSilent), (header.TrainSeconds > 0, header.HasLoss));
        Assert.Equal(10ul, header.ExampleCount);
        Assert.Equal(!isSilent, Encoding.Latin1.GetString(proxy.Sent).Contains(Loss, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "data-label-unknown")]
    [InlineData(false, "data-label-unknown")]
    [InlineData(true, "data-nothing-to-learn")]
    [InlineData(false, "data-nothing-to-learn")]
    [InlineData(true, "trainer-failed")]
    [InlineData(false, "trainer-failed")]
    public async Task Why_it_failed_does_not_go_out(bool isSilent, string code)
    {
        await using var bench = await Bench.StartAsync();
        using var proxy = new RecordingProxy(bench.Operator.Url);
        using var end = new CancellationTokenSource();
        var trainer = new FakeTrainer(1)
        {
            IsSilent = isSilent,
            OnTrained = () => throw new FedLoraException(code, "a site's own matter", "see there"),
        };
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), trainer, end.Token, url: proxy.Url);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        // Said, or held back.
        await bench.UntilAsync(view => view.ToString().Contains("own log says why", StringComparison.Ordinal)
            || view.ToString().Contains(code, StringComparison.Ordinal));
        await end.CancelAsync();
        await node;
        var sent = Encoding.Latin1.GetString(proxy.Sent);
        Assert.Equal(!isSilent, sent.Contains(code, StringComparison.Ordinal));
        Assert.Equal(!isSilent, sent.Contains(Loss, StringComparison.Ordinal));
    }
}
