using FedLora.Adapters;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Client.Training;

/// <summary>What a site reaches without the others: the same model, settings, and number of steps, plain LoRA, one optimiser throughout.</summary>
public static class LocalTraining
{
    /// <summary>Trains from the initial adapter for rounds x local steps and scores the result on held-out examples.</summary>
    /// <param name="prepared">The federation's definition and initial adapter; its method does not matter to one site (plain LoRA is trained).</param>
    /// <param name="modelFolder">The base model.</param>
    /// <param name="dataFile">The site's data.</param>
    /// <param name="heldOutFile">What the result is judged by.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static ClassifierScore Run(FederationPreparation prepared, string modelFolder, string dataFile, string heldOutFile, CancellationToken cancellation)
    {
        var definition = prepared.Definition;
        using var model = FedLora.Training.Models.BaseModel.Load(modelFolder, DefinitionSettings.Load(definition));
        var examples = new NodeData(dataFile, modelFolder, skipBadLines: false).Get(definition, cancellation).Examples;
        var settings = DefinitionSettings.Training(definition, 1, definition.Seed) with
        {
            Steps = (int)(definition.Rounds * definition.Training.LocalSteps),
            Schedule = definition.Training.Schedule switch
            {
                "linear" => FedLora.Training.Optimization.RateSchedule.Linear,
                "cosine" => FedLora.Training.Optimization.RateSchedule.Cosine,
                _ => FedLora.Training.Optimization.RateSchedule.Constant,
            },
        };
        using var binding = new AdapterBinding(model.Transformer, prepared.InitialAdapter, LayoutMapping.ToLayout(definition), definition.Lora.Dropout);
        using (var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), model.Transformer.Device))
            new Trainer().Run(model.Transformer, parameters, examples, settings, cancel: cancellation);
        return ClassifierScore.Of(model.Transformer, new NodeData(heldOutFile, modelFolder, skipBadLines: false).Get(definition, cancellation).Examples, cancellation);
    }

    /// <summary>Scores an adapter on held-out examples.</summary>
    public static ClassifierScore Score(FederationDefinition definition, AdapterState adapter, AdapterLayout layout, string modelFolder, string heldOutFile, CancellationToken cancellation)
    {
        using var model = FedLora.Training.Models.BaseModel.Load(modelFolder, DefinitionSettings.Load(definition));
        using var binding = new AdapterBinding(model.Transformer, adapter, layout);
        return ClassifierScore.Of(model.Transformer, new NodeData(heldOutFile, modelFolder, skipBadLines: false).Get(definition, cancellation).Examples, cancellation);
    }
}
