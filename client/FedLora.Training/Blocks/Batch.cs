using FedLora.Training.Data;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Neighbouring examples of equal length.</summary>
/// <param name="FirstRow">Row of the first token of the first.</param>
/// <param name="Count">How many examples.</param>
/// <param name="Length">Tokens of each.</param>
public sealed record LengthGroup(int FirstRow, int Count, int Length);

/// <summary>
/// Examples as one packed matrix: a row for every token, none for padding. Examples are sorted by length, so that attention runs over
/// groups of equal length and needs no padding mask either.
/// </summary>
public sealed class Batch : IDisposable
{
    private readonly Architecture _model;

    /// <summary>Packs examples for a model.</summary>
    /// <param name="examples">At least one.</param>
    /// <param name="model">The model that they go through.</param>
    /// <param name="device">Where its tensors lie.</param>
    /// <param name="firstPosition">Position of the first token (generation goes on where it stopped).</param>
    /// <param name="blocks">How many neighbouring examples stay together: each block is sorted by itself; null for one block.</param>
    /// <exception cref="FedLoraException"><c>example-invalid</c>: empty, longer than the model allows, or with a token that it does not
    /// know.</exception>
    public Batch(IReadOnlyList<Example> examples, Architecture model, Device device, int firstPosition = 0,
        IReadOnlyList<int>? blocks = null)
    {
        _model = model;
        var blockOf = (blocks ?? [examples.Count]).SelectMany((count, block) => Enumerable.Repeat(block, count)).ToArray();
        Order = [.. Enumerable.Range(0, examples.Count).OrderBy(i => blockOf[i]).ThenByDescending(i => Length(examples[i]))];
        Examples = [.. Order.Select(i => examples[i])];
        Lengths = [.. Examples.Select(Length)];
        Rows = Lengths.Sum();
        Groups = [.. Group(Lengths)];
        if (model.Image is { } image)
        {
            Pixels = tensor(Examples.SelectMany(RequirePixels).ToArray(), [examples.Count, image.Channels, image.Side, image.Side],
                device: device);
            return;
        }
        foreach (var example in Examples)
            Require(example, firstPosition);
        Tokens = tensor(Examples.SelectMany(e => e.Tokens).Select(t => (long)t).ToArray(), device: device);
        Positions = tensor(Examples.SelectMany(e => PositionsOf(e, firstPosition)).ToArray(), device: device);
        if (model.Names.TokenTypes is not null)
            TokenTypes = tensor(Examples.SelectMany(e => e.TokenTypes?.Select(t => (long)t) ?? new long[e.Tokens.Length]).ToArray(),
                device: device);
    }

    /// <summary>Where each packed example stood among those given.</summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>The examples in packed order.</summary>
    public IReadOnlyList<Example> Examples { get; }

    /// <summary>Rows of each example, in packed order.</summary>
    public IReadOnlyList<int> Lengths { get; }

    public IReadOnlyList<LengthGroup> Groups { get; }

    /// <summary>All rows.</summary>
    public int Rows { get; }

    /// <summary>Rows token ids; null for images.</summary>
    public Tensor? Tokens { get; }

    /// <summary>Rows positions, from 0.</summary>
    public Tensor? Positions { get; }

    public Tensor? TokenTypes { get; }

    /// <summary>Images: examples x channels x side x side.</summary>
    public Tensor? Pixels { get; }

    public void Dispose()
    {
        Tokens?.Dispose();
        Positions?.Dispose();
        TokenTypes?.Dispose();
        Pixels?.Dispose();
    }

    private int Length(Example example) => _model.Image is { } image ? image.Patches + 1 : example.Tokens.Length;

    private static IEnumerable<LengthGroup> Group(IReadOnlyList<int> lengths)
    {
        for (int start = 0, row = 0; start < lengths.Count;)
        {
            var count = 1;
            while (start + count < lengths.Count && lengths[start + count] == lengths[start])
                count++;
            yield return new LengthGroup(row, count, lengths[start]);
            (start, row) = (start + count, row + (count * lengths[start]));
        }
    }

    /// <summary>
    /// RoBERTa counts only tokens that are not padding; a padding token stands at position "padding" itself, one before the first.
    /// </summary>
    private IEnumerable<long> PositionsOf(Example example, int first)
    {
        if (_model.FirstPosition == 0)
            return Enumerable.Range(first, example.Tokens.Length).Select(p => (long)p);
        var next = (long)_model.FirstPosition;
        return example.Tokens.Select(token => token == _model.PadToken ? _model.FirstPosition - 1 : next++).ToArray();
    }

    private void Require(Example example, int first)
    {
        var length = first + example.Tokens.Length;
        if (example.Tokens.Length == 0 || length > _model.MaxLength)
            throw Invalid($"has {length} tokens; this model takes 1 to {_model.MaxLength}");
        foreach (var token in example.Tokens)
        {
            if ((uint)token >= (uint)_model.Vocabulary)
                throw Invalid($"holds token {token}, but the model knows 0 to {_model.Vocabulary - 1}");
        }
        if (example.Labels is { } labels
            && (labels.Length != example.Tokens.Length || labels.Any(l => l != Example.NoLabel && (uint)l >= (uint)_model.Vocabulary)))
            throw Invalid("has labels of another length than its tokens, or labels that are no tokens");
        if (example.TokenTypes is { } types && types.Length != example.Tokens.Length)
            throw Invalid("has token types of another length than its tokens");
    }

    private float[] RequirePixels(Example example)
    {
        var expected = _model.Image!.Channels * _model.Image.Side * _model.Image.Side;
        return example.Pixels?.Invoke() is { } pixels && pixels.Length == expected ? pixels
            : throw Invalid($"is not an image of {_model.Image.Channels} x {_model.Image.Side} x {_model.Image.Side} numbers");
    }

    private static FedLoraException Invalid(string what) =>
        new("example-invalid", $"An example {what}.", "Truncate texts to the model's length and use the model's own tokenizer.");
}
