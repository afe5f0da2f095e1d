# Measuring what this device's radio is like.

calibration-configured = 설정에 따른 값
calibration-model = 이 기종의 알려진 값
calibration-default = 기본값: 측정한 사람이 없음

calibrate-model = 기종: { $model }
calibrate-no-model = 기종: 목록에 없음
calibrate-power = 송신: { $power } dBm, 신뢰도 { $confidence }/3 ({ $source })
calibrate-correction = 수신: { $correction } dB 보정 ({ $source })

calibrate-prepare =
    노출 알림(Exposure Notification) 전파를 보내는 휴대전화가 필요합니다. 이 기기와 같은 높이에서 1 m 떨어뜨리고,
    금속과 벽에서 멀리, 사이에 사람이 없도록 하십시오. 다른 휴대전화는 멀리(10 m) 두거나 끄십시오.
calibrate-ask-power = 그 휴대전화의 송신 출력(보정 목록의 값, dBm. 모르면 비워 두십시오):
calibrate-no-power = -50에서 20까지의 정수여야 합니다.
calibrate-turn = 방향 { $turn }/{ $turns }: 휴대전화를 앞의 방향에서 90도 돌리고, 물러난 뒤 Enter를 누르십시오.
calibrate-listening = { $seconds }초 동안 수신하는 중…
calibrate-heard = { $median } dBm로 받았습니다(표본 { $samples }개, 그 절반이 { $spread } dB 안).
calibrate-nobody-heard = 휴대전화의 전파를 받지 못했습니다. 휴대전화의 노출 알림과 양쪽의 블루투스가 켜져 있는지 확인하십시오.
calibrate-too-few-samples = 받은 횟수가 너무 적습니다. 멈췄거나 너무 멀리 있을 수 있습니다.
calibrate-unsteady = 신호가 너무 많이 변했습니다. 수신하는 동안 아무것도 움직이지 말고 사람이 다가오지 않게 하십시오.
calibrate-another-near = 다른 휴대전화도 거의 같은 세기였거나, 이 휴대전화의 코드가 바뀌었습니다. 다른 것을 더 멀리 두고 다시 시도하십시오.
calibrate-turns-differ = 방향에 따른 차이가 너무 큽니다. 더 트인 곳을 고르십시오.
calibrate-out-of-range = 어떤 무선 기기도 내지 못하는 값입니다. 거리와 송신 출력을 확인하십시오.

calibrate-result = 전체: { $median } dBm, 현재 보정을 더하면 { $corrected } dBm.
calibrate-unusable = 이 측정으로는 아무것도 정할 수 없으며, 아무것도 바꾸지 않았습니다.
calibrate-nothing-expected = 어떤 세기로 받아야 하는지 몰라 설정할 값이 없습니다. 이 기기가 받은 상대 기기에서 쓸 수 있습니다: sesshoku calibrate --heard-at
calibrate-written = 다음 파일에 썼습니다: { $path }
calibrate-to-write = /etc/sesshoku/sesshokud.toml.d/50-calibration.toml에 쓸 내용(--write로 씁니다):
calibrate-restart = sesshokud를 다시 시작하면 적용됩니다: systemctl restart sesshokud
