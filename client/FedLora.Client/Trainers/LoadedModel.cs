using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;

namespace FedLora.Client.Trainers;

/// <summary>The base model in memory for one federation, with the products of earlier rounds folded in.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly string _folder;
    private string _key = "";
    private string[] _folded = [];
    private BaseModel? _model;

    internal LoadedModel(string folder) => this._folder = folder;

    /// <summary>
    /// The model as this federation wants it, whatever is folded in; loaded anew only when that differs from what is here.
    /// </summary>
    /// <param name="definition">Task, labels and number type.</param>
    internal BaseModel Get(FederationDefinition definition)
    {
        var wanted = $"{definition.Task.Kind}|{string.Join('\0', definition.Task.Labels)}|{definition.Training.Dtype}";
        if (_model is not null && _key == wanted)
            return _model;
        Dispose();
        _model = BaseModel.Load(_folder, DefinitionSettings.Load(definition));
        _key = wanted;
        return _model;
    }

    /// <summary>The model with exactly these products folded in.</summary>
    /// <param name="definition">Task, labels and number type.</param>
    /// <param name="folds">Products to have in the base weights.</param>
    internal BaseModel Get(FederationDefinition definition, IReadOnlyList<AdapterState> folds)
    {
        var loaded = Get(definition);
        string[] wanted = [.. folds.Select(fold => fold.Hash)];
        if (_folded.SequenceEqual(wanted, StringComparer.Ordinal))
            return loaded;
        try
        {
            loaded.SetFolds(folds);
            _folded = wanted;
            return loaded;
        }
        catch
        {
            // Half folded is no state to train from.
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _model?.Dispose();
        _model = null;
        _folded = [];
    }
}
