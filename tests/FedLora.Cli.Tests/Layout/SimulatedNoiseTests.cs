using System.Text.RegularExpressions;

namespace FedLora.Cli.Tests.Layout;

/// <summary>Private noise that follows from a seed is reached from the simulator, and from nowhere else: docs/privacy.md says so.</summary>
public sealed partial class SimulatedNoiseTests
{
    private static readonly string[] Way =
    [
        "client/FedLora.Client/Trainers/RoundTrainer.cs: terms.Simulated(",
        "client/FedLora.Training/Privacy/PrivateTerms.cs: new SimulatedRandom(",
        "simulations/FedLora.Simulations/Trainers/LoraWork.cs: RoundTrainer.Simulated(",
    ];

    [Fact]
    public void Only_the_simulator_reaches_it() => Assert.Equal(Way, (
        from path in SourceFiles.Product
        from Match use in Use().Matches(SourceFiles.Read(path))
        select $"{path}: {use.Value}").Order(StringComparer.Ordinal));

    [Fact]
    public void No_program_that_uses_the_client_can_ask_for_it() => Assert.DoesNotContain(
        typeof(FedLora.Client.Trainers.RoundTrainer).GetMembers().OfType<System.Reflection.MethodBase>(),
        method => method.Name.Contains("Simulated", StringComparison.Ordinal) || method.GetParameters().Any(
            parameter => parameter.ParameterType.IsSubclassOf(typeof(Delegate))
                || parameter.ParameterType.FullName!.Contains("PrivateTerms", StringComparison.Ordinal)));

    [GeneratedRegex(@"\bnew SimulatedRandom\(|\b(?!PrivacyPromise)\w+\.Simulated\(")]
    private static partial Regex Use();
}
