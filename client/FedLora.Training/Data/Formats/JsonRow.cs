using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Training.Data.Formats;

/// <summary>Writes a row as the JSON object that a JSONL file would hold for it, so that all formats are read, and known to the privacy
/// ledger, alike.</summary>
internal sealed class JsonRow : IDisposable
{
    // Of one in UTF-8; an escape of six bytes is six characters.
    private const int MostBytesOfCharacter = 3;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _writer;
    private bool _tooLong;

    public JsonRow()
    {
        _writer = new Utf8JsonWriter(_bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        _writer.WriteStartObject();
    }

    /// <summary>What is wrong with the row; null where nothing is.</summary>
    public string? Fault { get; set; }

    /// <summary>Writes a field; nothing for null.</summary>
    public void Add(string name, object? value)
    {
        if (value is null)
            return;
        if (_tooLong)
            return;
        _writer.WritePropertyName(name);
        Write(name, value);
    }

    /// <summary>The whole row as a line.</summary>
    public DataLine ToLine(string path, int number)
    {
        _writer.WriteEndObject();
        _writer.Flush();
        var text = Encoding.UTF8.GetString(_bytes.WrittenSpan);
        if (text.Length > DataLimits.LargestLine)
            Stop();
        return new DataLine($"{path}, row {number}", number, _tooLong ? text[..Math.Min(text.Length, DataLimits.LargestLine)] : text,
            Fault);
    }

    public void Dispose() => _writer.Dispose();

    // What is longer is not written to its end.
    private void Stop()
    {
        _tooLong = true;
        Fault ??= $"has more than {DataLimits.LargestLine} characters";
    }

    private void Write(string name, object? value)
    {
        if (_writer.BytesCommitted + _writer.BytesPending + (value is string { Length: var length } ? length : 0)
            > MostBytesOfCharacter * (long)DataLimits.LargestLine)
            Stop();
        switch (value)
        {
            case not null when _tooLong:
                _writer.WriteNullValue();
                break;
            case null:
                _writer.WriteNullValue();
                break;
            case string text:
                // The JSON text would hide wrong bytes behind an escape.
                if (text.Contains('\uFFFD', StringComparison.Ordinal))
                    Fault ??= $"is not valid UTF-8 in \"{name}\", or holds U+FFFD";
                _writer.WriteStringValue(text);
                break;
            case bool flag:
                _writer.WriteBooleanValue(flag);
                break;
            case long number:
                _writer.WriteNumberValue(number);
                break;
            case ulong number:
                _writer.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                _writer.WriteNumberValue(number);
                break;
            case IReadOnlyDictionary<string, object?> fields:
                _writer.WriteStartObject();
                foreach (var (key, field) in fields.TakeWhile(_ => !_tooLong))
                {
                    _writer.WritePropertyName(key);
                    Write(name, field);
                }
                _writer.WriteEndObject();
                break;
            case IReadOnlyList<object?> items:
                _writer.WriteStartArray();
                foreach (var item in items.TakeWhile(_ => !_tooLong))
                    Write(name, item);
                _writer.WriteEndArray();
                break;
            default:
                Fault ??= $"has a value in \"{name}\" that is neither a text nor a whole number";
                _writer.WriteNullValue();
                break;
        }
    }
}
