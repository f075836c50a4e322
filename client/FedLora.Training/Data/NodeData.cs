using FedLora.Federations.Definitions;

namespace FedLora.Training.Data;

/// <summary>Where a trainer's examples come from.</summary>
public interface INodeData
{
    /// <summary>The examples, and whose they are: both of one reading.</summary>
    /// <exception cref="FedLoraException">The data or a line of them cannot be used.</exception>
    (DataSet Data, IReadOnlyList<ReadOnlyMemory<byte>> Identities) Read(FederationDefinition definition,
        CancellationToken cancellationToken);
}

/// <summary>
/// A site's data file as examples for a federation's task. The file is read anew for every round, and tokenised anew where its bytes or the
/// task are others.
/// </summary>
/// <param name="path">A file or folder.</param>
/// <param name="modelFolder">Whose tokenizer, or image processor.</param>
/// <param name="skipBadLines">Leave lines out that cannot be used, instead of stopping.</param>
/// <param name="unit">The field that makes lines one unit of privacy; null = each line is one.</param>
public sealed class NodeData(string path, string modelFolder, bool skipBadLines, string? unit = null) : INodeData
{
    private string _key = "";
    private DataSet? _data;

    /// <inheritdoc/>
    public (DataSet Data, IReadOnlyList<ReadOnlyMemory<byte>> Identities) Read(FederationDefinition definition,
        CancellationToken cancellationToken)
    {
        var settings = new DataSettings(
            definition.Task.Kind == LearningTask.Classification ? TextTask.SequenceClassification : TextTask.CausalLanguageModelling,
            definition.Training.MaxTokens,
            definition.Task.Kind == LearningTask.Classification ? [.. definition.Task.Labels] : [],
            skipBadLines ? BadLines.Skip : BadLines.Stop,
            unit);
        var file = DataFile.Read(path, settings, cancellationToken);
        var wanted = $"{settings.Task}|{string.Join('\n', settings.Labels)}|{settings.MaxLength}|{file.Sha256}";
        if (_data is null || _key != wanted)
        {
            _data = DataSet.Of(file, settings, ModelInput.Load(modelFolder), cancellationToken);
            _key = wanted;
        }
        return (_data, file.Identities);
    }
}
