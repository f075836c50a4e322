using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Privacy;
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
            using var trained = new Trained(name, Factors.A | Factors.B | Factors.Head);
            var (fixture, parameters) = (trained.Fixture, trained.Parameters);
            var step = new PrivateStep(fixture.Values("dp.clip")[0], 0, 2, rowsAtOnce, null, CryptographicRandom.Instance);
            var found = step.Run(fixture.Transformer, parameters, fixture.Examples, CancellationToken.None);
            foreach (var (slot, gradient) in parameters.Entries)
                ModelFixture.AssertClose(fixture.Values($"dp.clippedsum.{slot.Name}"), gradient.mul(2).contiguous().data<float>().ToArray(),
                    $"{name}: clipped sum of {slot.Name}");
            Assert.Equal(fixture.Values("example.loss").Average(), found.Loss, 1e-4);
        }
    }

    [Fact]
    [Trait("Category", "Fixtures")]
    public void An_empty_batch_is_noise_of_the_stated_size()
    {
        if (Fixtures.Folders("models").FirstOrDefault() is not { } name)
            return;
        using var trained = new Trained(name, Factors.A | Factors.B);
        var (fixture, parameters) = (trained.Fixture, trained.Parameters);
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

    /// <summary>The same bytes for the noise: one draw of it, whatever the number of physical batches, and the same step.</summary>
    [Fact]
    [Trait("Category", "Fixtures")]
    public void The_noise_is_added_once_for_a_logical_batch()
    {
        if (Fixtures.Folders("models").FirstOrDefault() is not { } name)
            return;
        using var trained = new Trained(name, Factors.A | Factors.B);
        var (fixture, parameters) = (trained.Fixture, trained.Parameters);
        Assert.True(fixture.Examples.Count >= 2);
        var (gradients, drawn) = (new List<float[]>(), new List<long>());
        foreach (var rowsAtOnce in new[] { int.MaxValue, 1 })
        {
            var source = new Repeated();
            new PrivateStep(0.5, 1, 2, rowsAtOnce, null, source)
                .Run(fixture.Transformer, parameters, fixture.Examples, CancellationToken.None);
            gradients.Add(parameters.Gradient.data<float>().ToArray());
            drawn.Add(source.Drawn);
        }
        Assert.Equal(drawn[0], drawn[1]);
        // Two normal numbers from two of 8 bytes, in whole pieces of 512.
        Assert.Equal((parameters.Count + 511) / 512 * 512 * 8, drawn[0]);
        ModelFixture.AssertClose(gradients[0], gradients[1], "the noised gradient");
    }

    /// <summary>
    /// What trains privately samples by Poisson and by nothing else: at q = 1 every step sees all, at a small q most steps see nobody and
    /// are steps all the same.
    /// </summary>
    [Fact]
    [Trait("Category", "Fixtures")]
    public void Private_terms_bring_their_sampler_and_empty_batches_are_steps()
    {
        if (Fixtures.Folders("models").FirstOrDefault() is not { } name)
            return;
        using var trained = new Trained(name, Factors.A | Factors.B);
        var (fixture, parameters) = (trained.Fixture, trained.Parameters);
        var before = parameters.Values.data<float>().ToArray();
        var training = new TrainingSpec { LocalSteps = 12, BatchSize = 2, LearningRate = 1e-4, WeightDecay = 0 };
        var few = new PrivateTerms(1, 1e-9, 1)
            .Run(fixture.Transformer, parameters, fixture.Examples, training, null, CancellationToken.None);
        Assert.Equal(12, few.Losses.Count);
        Assert.All(few.Losses, loss => Assert.True(double.IsNaN(loss)));
        Assert.Equal(0, few.Examples);
        Assert.All(before.Zip(parameters.Values.data<float>().ToArray()), pair => Assert.NotEqual(pair.First, pair.Second));
        var all = new PrivateTerms(1, 1, 1).Run(fixture.Transformer, parameters, fixture.Examples, training, null, CancellationToken.None);
        Assert.Equal(12 * fixture.Examples.Count, all.Examples);
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(double.NaN, 1, 1)]
    [InlineData(7.5e-46, 1, 1)]
    [InlineData(9e-7, 1, 1)]
    [InlineData(1e7, 1, 1)]
    [InlineData(1, 0.01, 1)]
    [InlineData(1, 1e7, 1)]
    public void Nonsense_is_refused(double clip, double noise, double batch) =>
        Assert.Equal("privacy-invalid", Assert.Throws<FedLoraException>(() => new PrivateStep(clip, noise, batch, 100)).Code);

    /// <summary>
    /// A hostile coordinator's terms: at the least clipping norm that is taken, every trained number still gets noise of the stated size.
    /// </summary>
    [Fact]
    [Trait("Category", "Fixtures")]
    public void The_least_clipping_norm_still_has_its_noise()
    {
        if (Fixtures.Folders("models").FirstOrDefault() is not { } name)
            return;
        using var trained = new Trained(name, Factors.A | Factors.B);
        const double Batch = 1e6;
        new PrivateStep(PrivateBounds.LeastClip, PrivateBounds.LeastNoise, Batch, 100)
            .Run(trained.Fixture.Transformer, trained.Parameters, trained.Fixture.Examples, CancellationToken.None);
        var noise = trained.Parameters.Gradient.data<float>().ToArray();
        Assert.DoesNotContain(0f, noise);
        var deviation = PrivateBounds.LeastNoise * PrivateBounds.LeastClip / Batch;
        var spread = 6 * Math.Sqrt(2.0 / noise.Length);
        // The examples add at most C each, over all numbers together.
        var most = Math.Sqrt(noise.Length * (1 + spread)) + (trained.Fixture.Examples.Count / PrivateBounds.LeastNoise);
        Assert.InRange(noise.Sum(x => Math.Pow(x / deviation, 2)),
            Math.Pow(Math.Max(0, Math.Sqrt(noise.Length * (1 - spread)) - (trained.Fixture.Examples.Count / PrivateBounds.LeastNoise)), 2),
            most * most);
    }

    [Fact]
    public void A_generator_that_can_be_foretold_is_refused_outside_tests()
    {
        Assert.Equal("randomness-foreseeable",
            Assert.Throws<FedLoraException>(() => new PrivateStep(1, 1, 1, 100, null, new Foreseeable())).Code);
        Assert.Equal("randomness-foreseeable", Assert.Throws<FedLoraException>(() => new PoissonSampler(10, 0.5, new Foreseeable())).Code);
    }

    /// <summary>A fixture's model with its adapter, and what of it is trained.</summary>
    private sealed class Trained : IDisposable
    {
        private readonly AdapterBinding _binding;

        public Trained(string name, Factors factors)
        {
            Fixture = new ModelFixture(name);
            var adapter = PeftFolder.Read(Path.Combine(Fixture.Folder, "adapter"));
            _binding = new AdapterBinding(Fixture.Transformer, adapter.State, Fixture.Model.LayoutFor(adapter.Config));
            Parameters = new ParameterSet(_binding.Slots(factors), CPU);
        }

        public ModelFixture Fixture { get; }

        public ParameterSet Parameters { get; }

        public void Dispose()
        {
            Parameters.Dispose();
            _binding.Dispose();
            Fixture.Dispose();
        }
    }

    /// <summary>The same bytes in every test, however they are asked for; it says that nobody can foretell them.</summary>
    private sealed class Repeated : IRandomSource
    {
        private readonly Random _random = new(7);

        public long Drawn { get; private set; }

        public bool IsCryptographic => true;

        public void Fill(Span<byte> bytes)
        {
            _random.NextBytes(bytes);
            Drawn += bytes.Length;
        }
    }

    private sealed class Foreseeable : IRandomSource
    {
        public bool IsCryptographic => false;

        public void Fill(Span<byte> bytes) => bytes.Fill(42);
    }
}
