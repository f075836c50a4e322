using System.Security.Cryptography;
using System.Text;
using FedLora.Aggregation;
using FedLora.Federations.Exports;
using FedLora.Simulations.Data;
using FedLora.Simulations.Results;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Data.Formats;

namespace FedLora.Simulations.Running;

/// <summary>Whoever watches a run.</summary>
public interface IRunWatcher
{
    /// <summary>Everything is read; this is who has what.</summary>
    void Ready(SplitSummary split, IReadOnlyList<string> remarks);

    /// <summary>A round is committed.</summary>
    void Committed(ResultLine line, int rounds);
}

/// <summary>One run of a scenario into a folder.</summary>
public static class SimulationRun
{
    /// <summary>Runs it, unless the folder holds the same run, finished.</summary>
    /// <param name="values">What a sweep has set, for people.</param>
    /// <exception cref="FedLoraException">What is wrong with scenario, model or data: before the first step.</exception>
    public static RunSummary Run(ScenarioFile scenario, string folder, IReadOnlyDictionary<string, string> values, IRunWatcher watcher,
        CancellationToken cancellationToken)
    {
        var identity = IdentityOf(scenario);
        return RunFolder.Find(folder, identity) ?? Run(scenario, folder, identity, values, null, watcher, cancellationToken);
    }

    /// <summary>What a finished run of this scenario in the folder has found; null where there is none.</summary>
    public static RunSummary? Finished(ScenarioFile scenario, string folder) => RunFolder.Find(folder, IdentityOf(scenario));

    /// <param name="names">Ids and names that nodes have elsewhere; null: our own.</param>
    internal static RunSummary Run(
        ScenarioFile scenario, string folder, string identity, IReadOnlyDictionary<string, string> values,
        IReadOnlyList<(string Id, string Name)>? names, IRunWatcher watcher, CancellationToken cancellationToken)
    {
        var scratch = Path.Combine(folder, "nodes");
        if (Directory.Exists(scratch))
            Directory.Delete(scratch, recursive: true);
        using var setup = Setup.Of(scenario, scratch, names, cancellationToken);
        watcher.Ready(setup.Split, setup.Remarks);
        using var results = RunFolder.Begin(folder, scenario);
        var simulator = new Simulator(scenario.Definition, setup.Definition, setup.First, setup.Fleet, setup.Work,
            outcome => watcher.Committed(results.Add(outcome, setup.Fleet.Data.CountOf), setup.Definition.Rounds), cancellationToken);
        simulator.Run();
        var standing = simulator.Standing;
        if (scenario.Definition.Trainer == NodeTrainer.Lora && !Methods.Get(setup.Definition.Method).Traits.Personalised)
        {
            AdapterExport.ToPeft(setup.Definition, simulator.Global, standing.RoundsDone, simulator.Folds,
                PrivacyPromise.Simulated(setup.Definition)).Write(results.Adapter);
        }

        if (Directory.Exists(scratch))
            Directory.Delete(scratch, recursive: true);
        var summary = new RunSummary(identity, scenario.Definition.Name, values, standing.State.ToString().ToLowerInvariant(),
            standing.Reason, setup.Split, results.Lines is [.., var last] ? last : null);
        results.Finish(summary);
        return summary;
    }

    /// <summary>SHA-256 over all that a run depends on: everything that holds of the scenario, and the bytes of data and model.</summary>
    internal static string IdentityOf(ScenarioFile scenario)
    {
        using var text = new StringWriter { NewLine = "\n" };
        scenario.Explain(text);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(text.ToString()));
        foreach (var path in new[]
        {
            scenario.Definition.Data.Train,
            scenario.Definition.Data.HeldOut,
            scenario.Federation.PublicData ?? "",
        }.Where(Path.Exists))
        {
            foreach (var file in DataFormat.FilesOf(path))
            {
                using var stream = File.OpenRead(file);
                // Of images the folder is the label.
                var name = Directory.Exists(path) ? Path.GetRelativePath(path, file) : Path.GetFileName(file);
                hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
                hash.AppendData(SHA256.HashData(stream));
            }
        }

        if (scenario.Definition.Trainer == NodeTrainer.Lora && Directory.Exists(scenario.Federation.ModelFolder))
            hash.AppendData(Encoding.UTF8.GetBytes(Training.Models.ModelFingerprint.Of(scenario.Federation.ModelFolder)));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
