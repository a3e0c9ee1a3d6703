// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import "strings"

// answerSeeds are answers from the vendor's documentation, and what could be wrong with them.
var answerSeeds = []string{
	`{"stateInstance":"authorized"}`, `{"stateInstance":"starting"}`, `null`, ` null `, `{"stateInstance":null}`, `{"stateInstance":""}`,
	`{"stateInstance":7}`, `{"stateInstance":true}`, `{"stateInstance":{"x":1}}`, `{"stateInstance":"a\u0000b\u202ec\u2028d"}`, `{"stateInstance":"\ud800"}`,
	`{"wid":"79001234567@c.us","countryInstance":"","typeAccount":"","webhookUrl":"https://my.example/hook","webhookUrlToken":"` + fuzzWebhookToken + `",` +
		`"delaySendMessagesMilliseconds":5000,"markIncomingMessagesReaded":"no","outgoingWebhook":"yes","incomingWebhook":"yes","proxyInstance":"system proxy",` +
		`"typeInstance":"whatsapp","pollMessageWebhook":null,"linkPreview":true,"autoTyping":3}`,
	`{"avatar":"https://i.oneme.ru/i?r=BTFjO43w8Yr1OSJ4tcurq5Hi","phone":"79876543210","stateInstance":"suspended","chatId":"10000000","suspendedUntil":1762345678,"historySyncProgress":100}`,
	`{"avatar":"https://pps.whatsapp.net/v/` + testToken + `","phone":"79876543210","stateInstance":"authorized","deviceId":"79876543210:1@s.whatsapp.net"}`,
	`{"phone":"` + strings.Repeat("9", 5000) + `","chatId":"` + strings.Repeat("ё", 200) + `","deviceId":"\u0007\u200f` + strings.Repeat("x", 300) + `"}`,
	`{"suspendedUntil":1e9,"yellowCardUntil":"1762345678","historySyncProgress":1e400}`, `{"suspendedUntil":-62135596800,"historySyncProgress":-1}`,
	`{"suspendedUntil":9223372036854775807,"historySyncProgress":9223372036854775807}`,
	`{"historySyncProgress":101}`, `{"stateInstance":"` + testToken + `"}`,
	`{"saveSettings":true}`, `{"saveSettings":"true"}`, `{"saveSettings":false}`, `{"saveSettings":{"x":1}}`, `{"saveSettings":[true]}`, `{"isReboot":true}`, `{"isReboot":null}`,
	`{"code":401,"description":"Unauthorized"}`, `{"code":404,"description":"Not found"}`, `{"code":"403"}`, `{"statusCode":429.0}`, `{"code":9e99}`, `{"code":200}`,
	`{"statusCode":400,"timestamp":"2026-03-01T12:00:00.000Z","path":"/waInstance1/setSettings/` + testToken + `","message":"Validation failed. Details: 'delaySendMessagesMilliseconds' must be a number"}`,
	`{"statusCode":400,"message":"no such path: /waInstance1/setSettings/` + testToken + `"}`,
	`{"message":"100% ` + encodeAll(testToken[:16]) + ` %"}`,
	`{"message":"` + strings.Repeat("x", 180) + encodeAll(testToken) + `"}`,
	`{"message":"` + strings.Join(strings.Split(testToken, ""), `\u200b`) + `"}`,
	`{"invokeStatus":{"method":"SetSettings","used":100,"total":100,"status":"MONTHLY_QUOTA_EXCEEDED"},"correspondentsStatus":{"status":"x"}}`,
	`<html><head><title>502 Bad Gateway</title></head></html>`, `<!DOCTYPE html><pre>Cannot GET /waInstance1/getSettings/` + testToken + `</pre>`, ``, ` `, `[]`, `[1]`, `"text"`, `{`, `{}`, `{} x`, `{"a":1`,
	`{"a":1e1000000}`, `{"a":1e-1000000,"b":NaN}`, `{"a":NaN}`, `{"a":-Infinity}`, `{"a":-0,"b":-0.0,"c":0e99999999999,"d":12345678901234567890123,"e":1.50,"f":5e3}`,
	`{"incomingWebhook":"yes","incomingWebhook":"no","incomingWebhook":{"x":1}}`, `{"":"","A":true,"a":false}`,
	"\v{}", "\u00a0null", "\u0085{\"stateInstance\":\"authorized\"}", "\t{ \"a\" :\n[ {\"b\\\"\":\"]}\\\\\"} , -1 ]\r, \"c\\u0064\" : \"\\\\\" }",
}

// statusSeeds are lists of statuses of contacts.
var statusSeeds = []string{
	`[{"type":"incoming","idMessage":"A","timestamp":1710232595,"typeMessage":"extendedTextMessage","chatId":"79876543210@c.us","textMessage":"Прекрасное утро!","senderName":"Имя"},` +
		`{"type":"incoming","timestamp":"1710232636","typeMessage":"imageMessage","downloadUrl":"https://api.green-api.com/d","jpegThumbnail":"` + strings.Repeat("x", 3000) + `"}]`,
	`[]`, `[null]`, `[null,{}]`, `[{}`, `[{},]`, `[{"typeMessage":{"x":1},"timestamp":[1]},5,"text",["list"],true,null]`, `[{"TYPEMESSAGE":"imageMessage","timestamp":1e9}]`,
	`[{"timestamp":99999999999},{"timestamp":-1}] trailing`, `[` + strings.Repeat(" ", 5000) + `]`, strings.Repeat("[", 20000),
}
