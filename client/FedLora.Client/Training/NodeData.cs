using FedLora.Federations.Definitions;
using FedLora.Tokenizers;
using FedLora.Training.Data;

namespace FedLora.Client.Training;

/// <summary>A site's data file as examples for a federation's task; read and tokenised once per task and length.</summary>
/// <param name="file">JSONL.</param>
/// <param name="modelFolder">Whose tokenizer.</param>
/// <param name="skipBadLines">Leave lines out that cannot be used, instead of stopping.</param>
public sealed class NodeData(string file, string modelFolder, bool skipBadLines)
{
    private string key = "";
    private DataSet? data;

    /// <summary>The examples.</summary>
    /// <exception cref="FedLoraException">The file or a line of it cannot be used.</exception>
    public DataSet Get(FederationDefinition definition, CancellationToken cancellation)
    {
        var wanted = $"{definition.Task.Kind}|{string.Join('\n', definition.Task.Labels)}|{definition.Training.MaxTokens}|{File.GetLastWriteTimeUtc(file).Ticks}";
        if (data is not null && key == wanted)
            return data;
        var settings = new DataSettings(
            definition.Task.Kind == LearningTask.Classification ? TextTask.SequenceClassification : TextTask.CausalLanguageModelling,
            definition.Training.MaxTokens,
            definition.Task.Kind == LearningTask.Classification ? [.. definition.Task.Labels] : [],
            skipBadLines ? BadLines.Skip : BadLines.Stop);
        data = DataSet.Load(file, settings, Tokenizer.Load(Path.Combine(modelFolder, "tokenizer.json")), cancellation);
        key = wanted;
        return data;
    }
}
