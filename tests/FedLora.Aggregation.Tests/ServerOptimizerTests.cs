using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

public sealed class ServerOptimizerTests
{
    private const string Name = "base_model.model.m.lora_A.weight";

    /// <summary>Against float64 all the way: one gradient of 1e21, or of 1e-25, must not make v infinite or zero.</summary>
    [Theory]
    [InlineData(1e21, 1e19)]
    [InlineData(1e-25, 1e-25)]
    [InlineData(1.0, 0.5)]
    public void FedAdamStepsAsInFloat64WhateverTheGradient(double first, double next)
    {
        var adam = new FedAdam(LearningRate: 0.1, Epsilon: 1e-30);
        var (current, state) = (State(0), (FedAdamState?)null);
        var (m, v, p) = (0.0, 0.0, 0.0);
        for (var step = 1; step <= 50; step++)
        {
            var gradient = (double)(float)(step == 1 ? first : next * Math.Cos(step));
            // The aggregate is what the nodes made of P: P - g.
            var aggregate = State((float)(p - gradient));
            gradient = p - aggregate[Name].Values[0];
            m = (0.9 * m) + (0.1 * gradient);
            v = (0.999 * v) + (0.001 * gradient * gradient);
            (current, state) = adam.Step(State((float)p), aggregate, Factors.A, state);
            p = (p * (1 - (0.1 * 0.01))) - (0.1 * m / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v / (1 - Math.Pow(0.999, step))) + 1e-30));
            Assert.Equal(p, current[Name].Values[0], 1e-4);
            p = current[Name].Values[0];
        }
    }

    [Fact]
    public void AStepThatFloat32DoesNotHoldIsRefused() =>
        Assert.Equal("tensor-not-finite",
            Assert.Throws<FedLoraException>(() => new FedAdam(LearningRate: 3e38).Step(State(3e38f), State(-3e38f), Factors.A, null)).Code);

    private static AdapterState State(float value) => new([new AdapterTensor(Name, [1, 1], [value])]);
}
