namespace FedLora.Training.Data;

/// <summary>Turns records into examples as one model takes them.</summary>
internal interface IExampleEncoder
{
    /// <summary>The example, and how many tokens were cut off.</summary>
    /// <exception cref="FedLoraException"><c>data-invalid</c>: the record is nothing that this model reads; <c>chat-template-missing</c>,
    /// <c>chat-template-invalid</c>.</exception>
    (Example Example, int Cut) Encode(TextRecord record, TextTask task, CancellationToken cancellationToken);
}
