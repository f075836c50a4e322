using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Data;
using FedLora.Simulations.Nodes;
using FedLora.Simulations.Scenarios;
using FedLora.Simulations.Trainers;
using FedLora.Training.Preparation;

namespace FedLora.Simulations.Running;

/// <summary>A scenario made ready: model, data, split, nodes.</summary>
internal sealed record Setup(FederationDefinition Definition, AdapterState First, Fleet Fleet, INodeWork Work, SplitSummary Split,
    IReadOnlyList<string> Remarks) : IDisposable
{
    private const int TrivialWidth = 1600;

    /// <summary>Reads everything that a run needs; nothing is trained yet.</summary>
    /// <param name="scratch">Takes what nodes keep from round to round.</param>
    /// <param name="names">Ids and names that nodes have elsewhere; null: our own.</param>
    /// <exception cref="FedLoraException">With file and line, where the scenario asks for what cannot be.</exception>
    public static Setup Of(ScenarioFile scenario, string scratch, IReadOnlyList<(string Id, string Name)>? names,
        CancellationToken cancellationToken)
    {
        var definition = scenario.Federation.Definition;
        if (scenario.Definition.Trainer != NodeTrainer.Lora)
            return MadeUp(scenario, definition, scratch, names);
        Memory.Require(scenario, Memory.Available);
        var folder = scenario.Federation.ModelFolder!;
        FederationPreparation prepared;
        try
        {
            prepared = FederationPreparation.Prepare(definition, folder, scenario.Federation.PublicData, cancellationToken);
        }
        catch (FedLoraException error) when (error.Code is "method-unsupported" or "max-tokens-too-large")
        {
            var (section, key) = error.Code == "method-unsupported" ? ("lora", "rank") : ("training", "max_tokens");
            throw scenario.FederationLines.Map(section)?.Error(key, $"{error.Message} {error.Hint}") ?? error;
        }

        var pool = TextPool.Read(scenario.Definition, prepared.Definition, folder, cancellationToken);
        var deal = pool.Deal();
        var partition = Deal(scenario, deal);
        var fleet = new Fleet(scenario.Definition, prepared.Definition, partition, names);
        var split = SplitSummary.Of(partition, deal.Class is null ? [] : definition.Task.Labels, deal.Class,
            scenario.Definition.Data.FewExamples, fleet.NameOf);
        return new(prepared.Definition, prepared.InitialAdapter, fleet,
            new LoraWork(scenario.Definition, prepared.Definition, folder, pool, scratch), split, prepared.Remarks);
    }

    public void Dispose() => Work.Dispose();

    private static Setup MadeUp(ScenarioFile scenario, FederationDefinition definition, string scratch,
        IReadOnlyList<(string Id, string Name)>? names)
    {
        var pool = scenario.Definition.Trainer == NodeTrainer.Logistic ? new LogisticPool(scenario.Definition, definition.Task.Labels.Count)
            : null;
        var (rows, columns) = pool is null ? (TrivialWidth, TrivialWidth) : (pool.Classes, pool.Width);
        definition = definition with
        {
            BaseModel = new() { Fingerprint = "made-up", Name = "made-up" },
            Layout = new() { Modules = [new() { Name = LogisticWork.Module, DOut = rows, DIn = columns }] },
        };
        var method = Methods.Get(definition.Method);
        if (method.Traits.StartsFromWeights)
            throw scenario.FederationLines.Error("method",
                $"{method.Name} starts from the base model's weights, and trainer: "
                    + $"{scenario.Definition.Trainer.ToString().ToLowerInvariant()} has none");
        DefinitionRules.CheckWhole(definition);
        var deal = pool?.Deal() ?? new Deal([.. Enumerable.Range(0, scenario.Definition.Data.Examples)], null, null);
        var partition = Deal(scenario, deal);
        var fleet = new Fleet(scenario.Definition, definition, partition, names);
        var split = SplitSummary.Of(partition, deal.Class is null ? [] : definition.Task.Labels, deal.Class,
            scenario.Definition.Data.FewExamples, fleet.NameOf);
        var first = method.Initialize(definition.ToLayout(), definition.ToMethodOptions(), definition.Seed);
        return new(definition, first, fleet, pool is null ? new TrivialWork() : new LogisticWork(pool, definition, scratch), split, []);
    }

    private static Partition Deal(ScenarioFile scenario, Deal deal)
    {
        try
        {
            return Splitter.Split(scenario.Definition.Data.Split, deal, scenario.Definition.Nodes, scenario.Definition.Seed);
        }
        catch (FedLoraException error) when (error.Code == "split-impossible")
        {
            throw scenario.Lines.Error("nodes", $"{error.Message}; {error.Hint}");
        }
    }
}
