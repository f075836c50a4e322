using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Training.Data.Formats;

/// <summary>Writes a row as the JSON object that a JSONL file would hold for it, so that all formats are read, and known to the privacy
/// ledger, alike.</summary>
internal sealed class JsonRow : IDisposable
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _writer;

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
        _writer.WritePropertyName(name);
        Write(name, value);
        // The JSON text would hide wrong bytes behind an escape.
        if (_bytes.WrittenCount + _writer.BytesPending > 4L * DataLimits.LargestLine)
            Fault ??= $"has more than {DataLimits.LargestLine} characters";
    }

    /// <summary>The whole row as a line.</summary>
    public DataLine ToLine(string path, int number)
    {
        _writer.WriteEndObject();
        _writer.Flush();
        return new DataLine($"{path}, row {number}", number, Encoding.UTF8.GetString(_bytes.WrittenSpan), Fault);
    }

    public void Dispose() => _writer.Dispose();

    private void Write(string name, object? value)
    {
        switch (value)
        {
            case null:
                _writer.WriteNullValue();
                break;
            case string text:
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
                foreach (var (key, field) in fields)
                {
                    _writer.WritePropertyName(key);
                    Write(name, field);
                }
                _writer.WriteEndObject();
                break;
            case IReadOnlyList<object?> items:
                _writer.WriteStartArray();
                foreach (var item in items)
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
