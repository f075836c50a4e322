using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Privacy;
using FedLora.Training.Tests.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Privacy;

/// <summary>A private step without its noise is the fixtures' clipped sum, however the batch is split; its noise is what it says.</summary>
public sealed class PrivateStepTests
{
    [Theory]
    [Trait("Category", "Fixtures")]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(20)]
    public void The_clipped_sum_of_every_family(int rowsAtOnce)
    {
        foreach (var name in Fixtures.Folders("models"))
        {
            using var fixture = new ModelFixture(name);
            var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
            using var binding = new AdapterBinding(fixture.Transformer, adapter.State, fixture.Model.LayoutFor(adapter.Config));
            using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), CPU);
            var step = new PrivateStep(fixture.Values("dp.clip")[0], 0, 2, rowsAtOnce, null, CryptographicRandom.Instance);
            var found = step.Run(fixture.Transformer, parameters, fixture.Examples, CancellationToken.None);
            foreach (var (slot, gradient) in parameters.Entries)
                ModelFixture.AssertClose(fixture.Values($"dp.clippedsum.{slot.Name}"), gradient.mul(2).contiguous().data<float>().ToArray(), $"{name}: clipped sum of {slot.Name}");
            Assert.Equal(fixture.Values("example.loss").Average(), found.Loss, 1e-4);
        }
    }

    [Fact]
    [Trait("Category", "Fixtures")]
    public void An_empty_batch_is_noise_of_the_stated_size()
    {
        if (Fixtures.Folders("models").FirstOrDefault() is not { } name)
            return;
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        using var binding = new AdapterBinding(fixture.Transformer, adapter.State, fixture.Model.LayoutFor(adapter.Config));
        using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B), CPU);
        var (step, squares, count) = (new PrivateStep(0.5, 3, 10, 100), 0.0, 0L);
        for (var i = 0; i < 200; i++)
        {
            Assert.True(double.IsNaN(step.Run(fixture.Transformer, parameters, [], CancellationToken.None).Loss));
            squares += parameters.Gradient.mul(parameters.Gradient).sum().item<float>();
            count += parameters.Count;
        }
        // The mean square of n normal numbers strays by sqrt(2/n); six of these are one in a billion.
        Assert.Equal(1, squares / count / (0.15 * 0.15), 6 * Math.Sqrt(2.0 / count));
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(double.NaN, 1, 1)]
    public void Nonsense_is_refused(double clip, double noise, double batch) =>
        Assert.Equal("privacy-invalid", Assert.Throws<FedLoraException>(() => new PrivateStep(clip, noise, batch, 100)).Code);

    [Fact]
    public void A_generator_that_can_be_foretold_is_refused_outside_tests()
    {
        Assert.Equal("randomness-foreseeable", Assert.Throws<FedLoraException>(() => new PrivateStep(1, 1, 1, 100, null, new Foreseeable())).Code);
        Assert.Equal("randomness-foreseeable", Assert.Throws<FedLoraException>(() => new PoissonSampler(10, 0.5, new Foreseeable())).Code);
    }

    private sealed class Foreseeable : IRandomSource
    {
        public bool IsCryptographic => false;

        public void Fill(Span<byte> bytes) => bytes.Fill(42);
    }
}
