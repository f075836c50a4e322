using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Preparation;
using FedLora.Training.Running;

namespace FedLora.Simulations.Demo;

/// <summary>
/// What a site reaches without the others: the same model, settings, and number of steps, plain LoRA, one optimiser throughout.
/// </summary>
public static class AloneTraining
{
    /// <summary>Trains from the initial adapter for rounds x local steps and scores the result on held-out examples.</summary>
    /// <param name="prepared">Of plain LoRA (<c>fedit</c>).</param>
    /// <param name="modelFolder">The base model.</param>
    /// <param name="dataFile">The site's data.</param>
    /// <param name="heldOutFile">What the result is judged by.</param>
    /// <param name="cancellationToken">Ends the training.</param>
    public static Evaluation Run(FederationPreparation prepared, string modelFolder, string dataFile, string heldOutFile,
        CancellationToken cancellationToken)
    {
        var definition = prepared.Definition;
        using var model = BaseModel.Load(modelFolder, DefinitionSettings.Load(definition));
        var examples = new NodeData(dataFile, modelFolder, skipBadLines: false).Read(definition, cancellationToken).Data.Examples;
        var training = definition.Training with { LocalSteps = definition.Rounds * definition.Training.LocalSteps };
        var start = new NodeStart(prepared.InitialAdapter, definition.ToLayout());
        var task = new LocalTask(start, Factors.A | Factors.B | Factors.Head, training)
        {
            Seed = definition.Seed,
            Dropout = definition.Lora.Dropout,
        };
        var trained = LocalTraining.Run(model, task, examples, cancellationToken: cancellationToken).Adapter;
        return Score(model, definition, trained, start.Layout, modelFolder, heldOutFile, cancellationToken);
    }

    /// <summary>Scores an adapter on held-out examples.</summary>
    public static Evaluation Score(FederationDefinition definition, AdapterState adapter, AdapterLayout layout, string modelFolder,
        string heldOutFile, CancellationToken cancellationToken)
    {
        using var model = BaseModel.Load(modelFolder, DefinitionSettings.Load(definition));
        return Score(model, definition, adapter, layout, modelFolder, heldOutFile, cancellationToken);
    }

    private static Evaluation Score(
        BaseModel model, FederationDefinition definition, AdapterState adapter, AdapterLayout layout, string modelFolder,
        string heldOutFile, CancellationToken cancellationToken)
    {
        var examples = new NodeData(heldOutFile, modelFolder, skipBadLines: false).Read(definition, cancellationToken).Data.Examples;
        using var binding = new AdapterBinding(model.Transformer, adapter, layout);
        return Evaluator.Run(model.Transformer, examples, cancellationToken: cancellationToken);
    }
}
