using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;

namespace FedLora.Client.Training;

/// <summary>The base model in memory for one federation, with the products of earlier rounds folded in.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly string folder;
    private readonly List<string> folded = [];
    private string key = "";
    private BaseModel? model;

    internal LoadedModel(string folder) => this.folder = folder;

    /// <summary>The model as this federation wants it; loaded anew only when that differs from what is here.</summary>
    /// <param name="definition">Task, labels and number type.</param>
    /// <param name="folds">Products to have in the base weights, oldest first.</param>
    internal BaseModel Get(FederationDefinition definition, IReadOnlyList<AdapterState> folds)
    {
        var wanted = $"{definition.Task.Kind}|{string.Join('\n', definition.Task.Labels)}|{definition.Training.Dtype}";
        var isPrefix = folded.Count <= folds.Count && folded.SequenceEqual(folds.Take(folded.Count).Select(fold => fold.Hash), StringComparer.Ordinal);
        if (model is null || key != wanted || !isPrefix)
        {
            model?.Dispose();
            model = BaseModel.Load(folder, DefinitionSettings.Load(definition));
            key = wanted;
            folded.Clear();
        }
        foreach (var fold in folds.Skip(folded.Count))
        {
            model.Fold(fold);
            folded.Add(fold.Hash);
        }
        return model;
    }

    public void Dispose() => model?.Dispose();
}
