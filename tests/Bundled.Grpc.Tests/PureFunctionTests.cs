using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client.Internal;
using Grpc.Net.Internal;

namespace Bundled.Grpc.Tests;

/// <summary>The decisions of the protocol, apart from any connection.</summary>
public sealed class PureFunctionTests
{
    [Theory]
    [InlineData(-1.0, "1n")]
    [InlineData(0.0, "1n")]
    [InlineData(0.00001, "1m")]
    [InlineData(1.5, "1500m")]
    [InlineData(86399.999, "86399999m")]
    [InlineData(86400, "86400S")]
    [InlineData(1e12, "99999999S")]
    public void Timeouts_are_at_most_eight_digits_and_never_shorter_than_asked(double seconds, string header)
    {
        var timeout = seconds > 1e11 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);
        Assert.Equal(header, Timeouts.Encode(timeout));
        Assert.InRange(header.Length, 2, 9);
        if (seconds is > 0 and < 1e8) Assert.True(Timeouts.Decode(header) >= timeout);
    }

    [Theory]
    [InlineData("1H", 3600)]
    [InlineData("2M", 120)]
    [InlineData("3S", 3)]
    [InlineData("4m", 0.004)]
    [InlineData("5u", 0.000005)]
    [InlineData("600n", 0.0000006)]
    [InlineData("99999999H", 99_999_999)]
    public void Timeouts_of_every_unit_are_read(string header, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Timeouts.Decode(header));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("5")]
    [InlineData("-5S")]
    [InlineData("1.5S")]
    [InlineData("5x")]
    [InlineData("123456789S")]
    public void What_is_not_a_timeout_is_none(string? header) => Assert.Null(Timeouts.Decode(header));

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("ü\n", "%C3%BC%0A")]
    [InlineData("\U0001F600", "%F0%9F%98%80")]
    public void Texts_of_a_status_are_percent_encoded(string text, string encoded)
    {
        Assert.Equal(encoded, PercentEncoding.Encode(text));
        Assert.Equal(text, PercentEncoding.Decode(encoded));
    }

    [Theory]
    [InlineData("50% of it")]
    [InlineData("%")]
    [InlineData("%zz")]
    public void A_text_that_does_not_decode_stays_as_it_is(string text) => Assert.Equal(text, PercentEncoding.Decode(text));

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("APPLICATION/GRPC;charset=utf-8", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/json", false)]
    [InlineData(null, false)]
    public void Content_types_are_told_apart(string? contentType, bool isGrpc) => Assert.Equal(isGrpc, Headers.IsGrpc(contentType));

    public static TheoryData<Exception, StatusCode> Transport => new()
    {
        { new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused)), StatusCode.Unavailable },
        { new IOException("reset"), StatusCode.Unavailable },
        { new HttpRequestException("early end", new HttpIOException(HttpRequestError.ResponseEnded)), StatusCode.Unavailable },
        { new HttpProtocolException(0x7, "The HTTP/2 server reset the stream.", null), StatusCode.Unavailable },
        { new HttpProtocolException(0x8, "The HTTP/2 server reset the stream.", null), StatusCode.Cancelled },
        { new HttpProtocolException(0xb, "The HTTP/2 server reset the stream.", null), StatusCode.ResourceExhausted },
        { new HttpProtocolException(0x2, "The HTTP/2 server reset the stream.", null), StatusCode.Internal },
        { new HttpProtocolException(0x0, "The HTTP/2 server closed the connection.", null), StatusCode.Unavailable },
        { new HttpProtocolException(0x1, "The HTTP/2 server didn't respond to a ping request.", null), StatusCode.Unavailable },
        { new InvalidOperationException("a bug"), StatusCode.Internal },
        { new OperationCanceledException(), StatusCode.Cancelled },
    };

    [Theory]
    [MemberData(nameof(Transport))]
    public void Failures_of_the_transport_have_a_status(Exception exception, StatusCode code) =>
        Assert.Equal(code, Failures.ToStatus(exception).StatusCode);
}
