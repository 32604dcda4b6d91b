using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class OptionalFields
{
    [Fact]
    public void An_omitted_field_keeps_its_value()
    {
        Optional<string> field = default;

        Assert.False(field.IsGiven);
        Assert.Null(field.Value);
        Assert.Equal("current", field.Else("current"));
        Assert.Null(field.Else(null));
    }

    [Fact]
    public void A_null_field_clears_its_value()
    {
        Optional<string> field = (string?)null;

        Assert.True(field.IsGiven);
        Assert.Null(field.Value);
        Assert.Null(field.Else("current"));
    }

    [Theory]
    [InlineData("new")]
    [InlineData("current")]
    [InlineData("")]
    public void A_given_field_replaces_its_value(string value)
    {
        Optional<string> field = value;

        Assert.True(field.IsGiven);
        Assert.Equal(value, field.Value);
        Assert.Equal(value, field.Else("current"));
        Assert.Equal(value, field.Else(null));
    }

    [Fact]
    public void The_three_states_differ_for_nullable_types()
    {
        Optional<bool?>[] states = [default, (bool?)null, false, true];

        Assert.Equal([false, true, true, true], states.Select(state => state.IsGiven));
        Assert.Equal([null, null, false, true], states.Select(state => state.Value));
        Assert.Equal(states.Length, states.Distinct().Count());
    }

    [Fact]
    public void Equal_states_are_equal()
    {
        Assert.Equal(default, new Optional<string>());
        Assert.Equal(new Optional<string>("a"), "a");
        Assert.NotEqual(new Optional<string>(null), default);
        Assert.NotEqual(new Optional<string>("a"), "b");
    }
}
